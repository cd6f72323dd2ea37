"""WebSocket APIs: the handshake, the messages, the end, and the way back to a connection."""
