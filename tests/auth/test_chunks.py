import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torana.auth.chunks import ChunkDecoder
from torana.auth.sigv4 import Claim, SignatureError

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
# The worked example of the S3 API Reference: 65 KiB and 1 KiB of "a".
SIGNATURES = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
CHUNKS = (b"a" * 65536, b"a" * 1024, b"")
BODY = b"".join(
    b"%x;chunk-signature=%s\r\n%s\r\n" % (len(chunk), signature.encode(), chunk)
    for chunk, signature in zip(CHUNKS, SIGNATURES, strict=True)
)


def claim(payload: str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") -> Claim:
    return Claim(
        "AKIAIOSFODNN7EXAMPLE",
        "20130524",
        "us-east-1",
        "s3",
        ("host",),
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        "20130524T000000Z",
        payload=payload,
    )


@given(cuts=st.lists(st.integers(0, len(BODY)), max_size=12))
def test_the_documented_body_is_decoded_however_it_is_cut(cuts: list[int]) -> None:
    decoder = ChunkDecoder(claim(), SECRET)
    edges = [0, *sorted(cuts), len(BODY)]
    content = b"".join(decoder.feed(BODY[start:end]) for start, end in itertools.pairwise(edges))
    decoder.close()
    assert content == b"a" * 66560


def test_nothing_of_a_changed_chunk_is_given_out() -> None:
    changed = BODY[:300] + b"b" + BODY[301:]
    with pytest.raises(SignatureError) as refused:
        ChunkDecoder(claim(), SECRET).feed(changed)
    assert refused.value.kind == "mismatch"


def test_a_body_cut_short_is_refused_at_its_end() -> None:
    decoder = ChunkDecoder(claim(), SECRET)
    decoder.feed(BODY[:-100])
    with pytest.raises(SignatureError, match="before its last chunk"):
        decoder.close()


def test_chunks_put_in_another_order_are_refused() -> None:
    decoder = ChunkDecoder(claim(), SECRET)
    with pytest.raises(SignatureError):
        decoder.feed(BODY[65536 + 87 :])


def test_unsigned_chunks_are_refused_where_signed_ones_were_declared() -> None:
    with pytest.raises(SignatureError, match="malformed"):
        ChunkDecoder(claim(), SECRET).feed(b"1\r\na\r\n0\r\n\r\n")


def test_unsigned_chunks_give_their_content_and_trailers() -> None:
    decoder = ChunkDecoder(claim("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), SECRET)
    content = decoder.feed(b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n")
    decoder.close()
    assert content == b"hello"
    assert decoder.trailers.get("x-amz-checksum-crc32") == "NhCmhg=="


def test_data_after_the_end_is_refused() -> None:
    decoder = ChunkDecoder(claim("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), SECRET)
    with pytest.raises(SignatureError, match="after the last chunk"):
        decoder.feed(b"0\r\n\r\nmore")


def test_a_chunk_over_the_limit_is_refused_before_it_is_held() -> None:
    decoder = ChunkDecoder(claim("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), SECRET, longest_chunk=64)
    with pytest.raises(SignatureError, match="longer than 64"):
        decoder.feed(b"41\r\n")


@given(st.binary(max_size=200))
def test_any_bytes_are_content_or_refused(data: bytes) -> None:
    decoder = ChunkDecoder(claim("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), SECRET)
    try:
        decoder.feed(data)
        decoder.close()
    except SignatureError as refused:
        assert refused.kind == "payload"
