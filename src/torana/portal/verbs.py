"""The methods that OpenAPI knows."""

VERBS = ("get", "put", "post", "delete", "options", "head", "patch")
