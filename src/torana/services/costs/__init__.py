"""AWS Cost Explorer: what was used, what it cost, and what is to be expected."""
