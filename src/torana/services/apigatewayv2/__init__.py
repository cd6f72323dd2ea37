"""API Gateway's control plane for HTTP and WebSocket APIs, over the store."""
