"""AWS Budgets: money for a period, and topics that are told."""
