"""What a connection may ask of us."""

from msgspec import Struct


class Limits(Struct, frozen=True):
    """Sizes in bytes, times in seconds."""

    target: int = 16 * 1024
    head: int = 64 * 1024
    header_count: int = 200
    head_time: float = 15.0
    """From the first byte (or the connection) to the end of the head."""
    body_idle: float = 30.0
    """Between two pieces of a request's body."""
    body_time: float = 900.0
    """From the end of the head to the end of the body, while the application waits for it."""
    keep_alive: float = 75.0
    """Between two requests of a connection."""
    write_stall: float = 30.0
    """How long a client may leave what we send unread."""
    connections: int = 10_000
    connections_per_address: int = 2_000
    pipelined: int = 32
    streams: int = 128
    """Requests at once on one HTTP/2 connection."""
    websocket_message: int = 1024 * 1024
    websocket_idle: float = 600.0
    """Without a word from the client."""
    websocket_close: float = 10.0
    """For the client to agree to the end."""
    buffered: int = 256 * 1024
    """Of a request's body that the application has not taken yet."""
