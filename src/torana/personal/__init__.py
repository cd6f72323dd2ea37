"""Personal data: what it looks like, where it is found, and what is done to it. Pure."""
