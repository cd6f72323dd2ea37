import math
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.parsers import BaseCBORParser
from hypothesis import given
from hypothesis import strategies as st

from torana.wire import cbor
from torana.wire.faults import Malformed

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.integers(0, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert cbor.decode(cbor.encode(value)) == value


@given(st.recursive(st.integers(0, 2**64 - 1) | st.text() | st.binary(), st.lists, max_leaves=20))
def test_botocore_reads_what_is_written(value: Any) -> None:
    parser: Any = BaseCBORParser()
    assert (
        parser.parse_data_item(parser.get_peekable_stream_from_bytes(cbor.encode(value))) == value
    )


@given(st.binary(max_size=64))
def test_any_bytes_are_a_value_or_malformed(data: bytes) -> None:
    try:
        cbor.decode(data)
    except Malformed:
        return
    assert data


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("f93e00", 1.5),
        ("fa47c35000", 100000.0),
        ("fb3ff199999999999a", 1.1),
        ("f7", None),
        ("7f657374726561646d696e67ff", "streaming"),
        ("5f42010243030405ff", b"\x01\x02\x03\x04\x05"),
        ("9f0102ff", [1, 2]),
        ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
        ("c11a514b67b0", datetime(2013, 3, 21, 20, 4, tzinfo=UTC)),
        ("3903e7", -1000),
        ("1bffffffffffffffff", 2**64 - 1),
    ],
)
def test_the_examples_of_the_standard_are_read(data: str, value: Any) -> None:
    assert cbor.decode(bytes.fromhex(data)) == value


def test_floats_that_fit_travel_in_four_bytes() -> None:
    assert cbor.encode(0.5) == bytes.fromhex("fa3f000000")
    assert len(cbor.encode(0.1)) == 9
    assert math.isnan(cbor.decode(cbor.encode(math.nan)))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "18",
        "a1",
        "a10102",
        "ff",
        "c161",
        "c16161",
        "1c",
        "81" * 200 + "01",
        "0000",
        "9b7fffffffffffffff",
    ],
)
def test_broken_bodies_are_malformed(data: str) -> None:
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(data))
