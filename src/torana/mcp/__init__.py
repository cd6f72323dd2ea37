"""The Model Context Protocol: deployed APIs as tools, and other servers behind virtual keys."""
