import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torana.auth.wildcard import matcher

PATTERNS = st.text("ab*?.", max_size=8)
TEXTS = st.text("ab.c", max_size=10)


@given(PATTERNS, TEXTS)
def test_it_is_what_a_regular_expression_says(pattern: str, text: str) -> None:
    said = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    assert matcher(pattern)(text, {}) == (re.fullmatch(said, text, re.DOTALL) is not None)


def test_many_stars_cost_no_time() -> None:
    started = time.perf_counter()
    assert not matcher("*a" * 50 + "b")("a" * 5000, {})
    assert time.perf_counter() - started < 1.0


def test_variables_are_filled_in_and_taken_as_they_are() -> None:
    match = matcher("home/${aws:username}/*")
    assert match("home/alice/file", {"aws:username": "alice"})
    assert not match("home/alice/file", {"aws:username": "*"})
    assert match("home/*/file", {"aws:username": "*"})


def test_a_variable_without_a_value_matches_nothing() -> None:
    assert not matcher("home/${aws:username}/*")("home//x", {})


def test_a_variable_with_several_values_matches_nothing() -> None:
    assert not matcher("${aws:tagkeys}")("a", {"aws:tagkeys": ("a", "b")})


def test_a_default_stands_in() -> None:
    match = matcher("team/${aws:PrincipalTag/team, 'company-wide'}")
    assert match("team/company-wide", {})
    assert match("team/red", {"aws:principaltag/team": "red"})


def test_special_characters_can_be_written() -> None:
    assert matcher("a${*}b${?}c${$}")("a*b?c$", {})
    assert not matcher("a${*}b")("axb", {})


@pytest.mark.parametrize("pattern", ["${}", "${a, b}", "${ , 'x'}"])
def test_variables_that_cannot_be_read_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\$\{"):
        matcher(pattern)
