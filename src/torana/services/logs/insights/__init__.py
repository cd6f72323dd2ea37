"""CloudWatch Logs Insights: a query language over events. No I/O here."""
