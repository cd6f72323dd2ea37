"""AWS's event streams, beside botocore's own reader."""
# botocore's event stream module has no types.
# pyright: basic

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from torana.wire.event_stream import Frame, Frames, MalformedFrame, encode

HEADERS = {":event-type": "messageStart", ":message-type": "event", "é": "ü"}


def test_botocore_reads_what_is_written() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(encode(HEADERS, b"{}") + encode({}, b""))
    first, second = list(buffer)
    assert (first.headers, first.payload) == (HEADERS, b"{}")
    assert (second.headers, second.payload) == ({}, b"")


@given(st.integers(1, 40), st.binary(max_size=60))
def test_frames_come_whole_however_they_are_cut(size: int, payload: bytes) -> None:
    frames, found = Frames(), list[Frame]()
    sent = encode({"a": "b"}, payload) + encode(HEADERS, b"x")
    for at in range(0, len(sent), size):
        found += frames.feed(sent[at : at + size])
    assert found == [Frame({"a": "b"}, payload), Frame(HEADERS, b"x")]
    assert frames.whole


@given(st.data())
def test_damage_is_noticed(data: st.DataObject) -> None:
    sent = bytearray(encode(HEADERS, b'{"a": 1}'))
    sent[data.draw(st.integers(0, len(sent) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    frames = Frames()
    try:
        found = list(frames.feed(bytes(sent)))
    except MalformedFrame:
        return
    assert not found
    assert not frames.whole


def test_a_frame_that_promises_too_much_is_refused() -> None:
    with pytest.raises(MalformedFrame):
        list(Frames().feed(b"\xff" * 12))
