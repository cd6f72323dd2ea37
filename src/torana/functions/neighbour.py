"""Whose process is at the other end of a loopback connection, by asking the kernel.

Source: sock_diag(7), `struct inet_diag_req_v2` and `struct inet_diag_msg`.
"""

import socket
import struct

_SOCK_DIAG, _BY_FAMILY, _REQUEST, _ERROR = 4, 20, 1, 2
_ESTABLISHED = 1 << 1
_ID = struct.Struct("!HH4s12x4s12x")
"""Ports and addresses, in the network's order."""
_UID_AT = 16 + 4 + 48 + 12
"""Behind the netlink head, four states, the socket's identity and three counters."""
_LOOPBACK = socket.inet_aton("127.0.0.1")


def owner_of(port: int, ours: int) -> int:
    """The user id that holds the socket from 127.0.0.1:`port` to `ours`; -1 when unknown."""
    identity = _ID.pack(port, ours, _LOOPBACK, _LOOPBACK) + struct.pack(
        "=III", 0, -1 & 0xFFFFFFFF, -1 & 0xFFFFFFFF
    )
    asked = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, _ESTABLISHED) + identity
    head = struct.pack("=IHHII", 16 + len(asked), _BY_FAMILY, _REQUEST, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
            kernel.settimeout(1.0)
            kernel.send(head + asked)
            answer = kernel.recv(4096)
    except OSError:
        return -1
    kind = struct.unpack_from("=H", answer, 4)[0]
    if kind != _BY_FAMILY or len(answer) < _UID_AT + 4:
        return -1
    return int(struct.unpack_from("=I", answer, _UID_AT)[0])
