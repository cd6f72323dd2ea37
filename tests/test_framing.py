"""Frames out of whatever pieces they arrive in."""

import msgspec
import pytest

from torana.framing import Framed

FRAMES = [b"one", b"", b"x" * 200]


class Ends:
    """What one end of a connection was handed."""

    def __init__(self) -> None:
        self.found: list[bytes] = []
        self.framed = Framed[bytes](
            msgspec.msgpack.Decoder(bytes),
            lambda _, frame: self.found.append(frame),
            lambda _: None,
            longest=1000,
            backlog=1000,
        )


class Cut:
    """A transport that notes that it was cut."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True


def sent(*bodies: bytes) -> bytes:
    encoded = [msgspec.msgpack.encode(body) for body in bodies]
    return b"".join(len(each).to_bytes(4, "big") + each for each in encoded)


def test_a_frame_that_comes_alone_is_handed_on() -> None:
    ends = Ends()
    for body in FRAMES:
        ends.framed.data_received(sent(body))
    assert ends.found == FRAMES


@pytest.mark.parametrize("size", [1, 3, 5, 100, 1000])
def test_frames_are_put_together_from_pieces_of_any_size(size: int) -> None:
    ends, data = Ends(), sent(*FRAMES)
    for start in range(0, len(data), size):
        ends.framed.data_received(data[start : start + size])
    assert ends.found == FRAMES


def test_a_frame_that_seems_whole_waits_for_what_came_before_it() -> None:
    ends, data = Ends(), sent(b"first")
    ends.framed.data_received(data[:2])
    assert ends.found == []
    ends.framed.data_received(data[2:] + sent(b"second"))
    assert ends.found == [b"first", b"second"]


@pytest.mark.parametrize(
    "nonsense", [b"\x00\x00\x00\x01\xc1", b"\x00\x00\x00\x00", b"\x00\x01\x00\x00" + b"x" * 65536]
)
def test_a_peer_that_sends_nonsense_is_cut_off(nonsense: bytes) -> None:
    ends, cut = Ends(), Cut()
    ends.framed.connection_made(cut)  # pyright: ignore[reportArgumentType]
    ends.framed.data_received(nonsense)
    assert cut.aborted
    assert ends.found == []
