import pytest
from hypothesis import given
from hypothesis import strategies as st

from torana.engines.clauses import clauses


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Great food, terrible service.", ["Great food,", "terrible service."]),
        ("I like it but I hate you", ["I like it", "but I hate you"]),
        ("It butters bread well", ["It butters bread well"]),
        ("It costs 1,000 dollars", ["It costs 1,000 dollars"]),
        ("Yes, it works. No, it fails.", ["Yes, it works.", "No, it fails."]),
        ("Das ist gut, aber teuer.", ["Das ist gut,", "aber teuer."]),
        ("음식은 최고였지만 서비스는 끔찍했어요.", ["음식은 최고였지만", "서비스는 끔찍했어요."]),
        ("菜很好吃但是服务很差。", ["菜很好吃", "但是服务很差。"]),
        ("", []),
    ],
)
def test_cuts_where_the_tone_may_turn(text: str, parts: list[str]) -> None:
    assert clauses(text) == parts


@given(st.text())
def test_nothing_but_blanks_is_lost(text: str) -> None:
    assert "".join("".join(clauses(text)).split()) == "".join(text.split())
