"""SRP against a client written from the formulas of RFC 2945, with Cognito's hash and padding."""

import hashlib
import hmac
import secrets

import pytest

from torana.auth import srp

N = srp._N  # pyright: ignore[reportPrivateUsage]


def padded(value: int) -> bytes:
    """As Java's BigInteger writes it: with room for the sign."""
    return value.to_bytes((value.bit_length() + 8) // 8, "big")


def sha(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


def client(a: int, b: int, salt: str, password: str) -> bytes:
    """A client's key for `ada` of the pool `Pool`."""
    u = sha(padded(pow(2, a, N)), padded(b))
    inner = hashlib.sha256(f"Poolada:{password}".encode()).digest()
    x = sha(padded(int(salt, 16)), inner)
    k = sha(padded(N), b"\x02")
    shared = pow(b - k * pow(2, x, N), a + u * x, N)
    extracted = hmac.digest(padded(u), padded(shared), "sha256")
    return hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]


@pytest.mark.parametrize("salt", [b"\x00\x01", b"\xff" * 16, b"\x7f" * 16, None])
def test_who_knows_the_password_proves_it_and_nobody_else(salt: bytes | None) -> None:
    kept = srp.verifier("Pool", "ada", "Correct-horse-7", salt)
    made = srp.offer(kept)
    a = secrets.randbits(1024)
    public = srp.public_value(f"{pow(2, a, N):x}")
    right = srp.proof(kept, made, public, "Pool", "ada", b"block", "now")
    for password, fits in (("Correct-horse-7", True), ("Correct-horse-8", False)):
        key = client(a, int(made.public, 16), kept.salt, password)
        mine = hmac.digest(key, b"Pooladablocknow", "sha256")
        assert hmac.compare_digest(mine, right) is fits


@pytest.mark.parametrize("value", ["", "0", f"{N:x}", f"{2 * N:x}", "-1", "x", "1" * 1000])
def test_what_would_make_the_secret_known_is_no_public_value(value: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        srp.public_value(value)


def test_nobody_has_a_salt_of_its_own_and_no_password() -> None:
    first, second = srp.nobody(b"s" * 16), srp.nobody(b"s" * 16)
    assert first.salt == second.salt
    assert first.value != second.value
