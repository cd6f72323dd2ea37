import string

from torana.auth import keys


def test_api_keys_are_forty_letters_and_digits() -> None:
    made = {keys.new_key() for _ in range(50)}
    assert len(made) == 50
    assert all(len(key) == 40 and key.isascii() and key.isalnum() for key in made)


def test_access_keys_have_the_services_form() -> None:
    name, secret = keys.new_access_key_id(), keys.new_secret_access_key()
    assert name.startswith("AKIA")
    assert len(name) == 20
    assert len(secret) == 40
    assert set(secret) <= set(string.ascii_letters + string.digits + "+/")


def test_comparison_takes_any_text() -> None:
    assert keys.same("schlüssel", "schlüssel")
    assert not keys.same("schlüssel", "schluessel")


def test_a_hash_tells_keys_apart() -> None:
    assert keys.hash_key("a") == keys.hash_key("a") != keys.hash_key("b")
