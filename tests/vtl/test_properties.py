"""Whatever the template and the input: an output, a mistake or a failure, and soon."""

import contextlib
import json
import random
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.vtl.rendering import render
from torana.message import Headers
from torana.vtl import Input, Parameters, TemplateError, TemplateFailure, compile
from torana.vtl.budget import Budget
from torana.vtl.inputs import site
from torana.vtl.jsonpath import MISSING, parsed, path
from torana.vtl.methods import call

_PIECES = [
    *("#if(", "#end", "#set($x=", "#set($x = $x + ", ")", "$x", "${", "}", "[1..", "#else", "##"),
    *(
        "#foreach($e in ",
        "'",
        '"',
        "#*",
        "*#",
        "$!",
        ".",
        "a",
        " ",
        "\n",
        "\\",
        "1",
        "&&",
        "{",
        ":",
    ),
    *("#macro(m $a)", "#m(", "#@m()", "#define($d)", "$d", "#evaluate(", "#stop", "#break", "#[["),
    *("]]#", "$input.path('$')", "$input.json('$..a')", "$util.parseJson(", "$input.body", "$e"),
    *(".add($x)", ".put('k', $x)", ".size()", ".split('", ".replaceAll('", "$foreach.hasNext"),
    *("$input.params()", "[$x,$x]", "[0]", "(", "|", "*", "é", "$util.escapeJavaScript("),
]
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-99, 99)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


def _answers(template: str, body: bytes) -> None:
    """Renders it, or it is a mistake or a failure; nothing else, and within its time."""
    began = time.process_time()
    with contextlib.suppress(TemplateError, TemplateFailure):
        render(template, body)
    assert time.process_time() - began < 10


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=30).map("".join), _JSON)
def test_any_pieces_and_any_body_give_an_answer(template: str, body: object) -> None:
    _answers(template, json.dumps(body).encode())


@settings(max_examples=300, deadline=None)
@given(st.text(), st.binary())
def test_any_text_and_any_bytes_give_an_answer(template: str, body: bytes) -> None:
    _answers(template, body)


@given(st.text(st.characters(exclude_characters="$#\\")))
def test_text_without_marks_is_its_own_output(text: str) -> None:
    assert compile(text).render({}) == text


@given(st.text(st.characters(exclude_characters="]", exclude_categories=["Cs"])))
def test_raw_text_is_its_own_output(text: str) -> None:
    assert compile(f"#[[{text}]]#").render({}) == text


@given(st.integers(), st.integers().filter(bool))
def test_quotient_and_remainder_make_the_dividend(a: int, b: int) -> None:
    template = "#set($q = $a / $b * $b + $a % $b)$q"
    assert compile(template).render({"a": a, "b": b}) == str(a)


@given(_JSON)
def test_json_of_the_whole_body_is_the_body(body: object) -> None:
    made = render("$input.json('$')", json.dumps(body).encode())
    assert json.loads(made) == body


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_escaped_text_is_json_again(text: str) -> None:
    body = json.dumps(text).encode()
    made = render('"$util.escapeJavaScript($input.path("$")).replaceAll("\\\\\'", "\'")"', body)
    assert json.loads(made) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_encodings_are_undone(text: str) -> None:
    body = json.dumps(text).encode()
    both = "$util.urlDecode($util.urlEncode($t))|$util.base64Decode($util.base64Encode($t))"
    assert render(f"#set($t = $input.path('$')){both}", body) == f"{text}|{text}"


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("$@.[]()*?:,'\"ab01=<>!~&|/-n ")), _JSON)
def test_any_path_finds_something_or_is_refused(expression: str, value: object) -> None:
    try:
        path(expression)(value, Budget())
    except TemplateFailure:
        return


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers()))
def test_every_name_is_found_in_brackets(value: dict[str, int]) -> None:
    for name, number in value.items():
        quoted = name.replace("\\", "\\\\").replace("'", "\\'")
        assert path(f"$['{quoted}']")(value, Budget()) == number
    assert path("$.none.deeper")(value, Budget()) is MISSING


_NAMES = st.text(st.sampled_from("ab é'\\"), min_size=1, max_size=2)
_KEYS = st.lists(_NAMES | st.integers(-3, 3), max_size=4)
_DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.integers(250, 300).map(lambda size: "é" * size),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=12,
)


def _written(keys: list[str | int]) -> str:
    def one(key: str | int) -> str:
        if isinstance(key, int):
            return f"[{key}]"
        return "['" + key.replace("\\", "\\\\").replace("'", "\\'") + "']"

    return "$" + "".join(map(one, keys))


def _outcome(work: Callable[[Budget], object], paid: int = 0) -> tuple[object, ...]:
    """What it gives, or how it fails, and what it costs beside the steps that are paid."""
    budget = Budget()
    try:
        found = work(budget)
    except (TemplateFailure, OverflowError, RecursionError) as error:
        return type(error), str(error)
    return type(found), repr(found), budget.steps - paid, budget.text


def _input(body: bytes, shared: bool) -> Input:
    made = Input(body, lambda: Parameters({}, {}, Headers()))
    if shared:
        made.path(Budget(), "$")
    return made


@settings(max_examples=400)
@given(_KEYS, _DOCUMENTS)
def test_keys_find_and_cost_what_the_steps_of_their_path_do(
    keys: list[str | int], value: object
) -> None:
    steps = parsed(_written(keys))
    alone = steps.alone()
    assert alone is not None and alone == tuple(keys)
    assert _outcome(lambda budget: path(_written(keys))(value, budget)) == _outcome(
        lambda budget: steps.read(value, value, budget)
    )


@example("path", ["a"], b'{"a": "%s"}' % (b"x" * 300), False)
@settings(max_examples=400)
@given(
    st.sampled_from(["json", "path"]),
    _KEYS,
    _DOCUMENTS.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=4),
    st.booleans(),
)
def test_a_constant_path_is_what_the_method_finds_and_costs_beside_its_steps(
    method: str, keys: list[str | int], body: bytes, shared: bool
) -> None:
    expression = _written(keys)
    known = site(method, expression)
    assert known is not None
    with contextlib.suppress(TemplateFailure):
        first, second = _input(body, shared), _input(body, shared)
        for _ in range(2):
            assert _outcome(lambda budget: known(budget, first), 2 * len(keys)) == _outcome(
                lambda budget: call(budget, second, method, expression)
            )


def test_a_constant_path_of_many_names_costs_its_steps() -> None:
    assert site("path", "$" + ".a" * 500) is None


@settings(max_examples=200)
@given(_KEYS, _DOCUMENTS, st.sampled_from(["json", "path"]), st.booleans())
def test_a_template_finds_by_a_constant_path_what_it_finds_by_a_variable(
    keys: list[str | int], value: object, method: str, walks: bool
) -> None:
    expression, body = _written(keys).replace("'", "''"), json.dumps(value).encode()
    before = "#set($all = $input.path('$'))" if walks else ""
    by_variable = f"{before}#set($p = '{expression}')|$input.{method}($p)|"
    assert _rendered(f"{before}|$input.{method}('{expression}')|", body) == _rendered(
        by_variable, body
    )


@pytest.mark.parametrize("found", ["$input", "'text'", "[1]", "{'json': 1}", "$none"])
@pytest.mark.parametrize("method", ["json", "path"])
def test_a_constant_path_asks_whatever_input_was_made(method: str, found: str) -> None:
    before = f"#set($input = {found})"
    assert render(f"{before}$input.{method}('$.a')", b'{"a": 1}') == render(
        f"{before}#set($p = '$.a')$input.{method}($p)", b'{"a": 1}'
    )


def _rendered(template: str, body: bytes) -> tuple[object, ...]:
    try:
        return (render(template, body),)
    except TemplateFailure as error:
        return type(error), str(error)


def _reference(chance: random.Random) -> str:
    members = (".a", "[0]", ".size()", ".get('a')", ".keySet()", ".toString()", ".entrySet()", "")
    roots = ("$x", "$y", "$!e", "$input.path('$')", "$m", "$d", "$input.params()", "${context}")
    return chance.choice(roots) + chance.choice(members)


def _expression(chance: random.Random, depth: int) -> str:
    if depth > 2 or chance.random() < 0.5:
        plain = ("1", "'s'", "[1..9]", "{'a': $x}", "[$x, $x]", '"$x$y"', "true", "2.5")
        return chance.choice((_reference(chance), chance.choice(plain)))
    operator = chance.choice(("+", "-", "*", "/", "%", "==", "<", "&&", "||"))
    return f"{_expression(chance, depth + 1)} {operator} {_expression(chance, depth + 1)}"


def _template(chance: random.Random, depth: int = 0) -> str:
    """A well-formed template, so that more of them run."""
    made: list[str] = []
    for _ in range(chance.randint(1, 4)):
        inner = _template(chance, depth + 1) if depth < 3 else _reference(chance)
        value = _expression(chance, 0)
        made.append(
            chance.choice(
                (
                    f"#set(${chance.choice('xy')} = {value})",
                    f"#if({value}){inner}#else {inner}#end",
                    f"#foreach($e in {value}){inner}#end",
                    f"#define($d){inner}#end",
                    f"#macro(m{depth} $x){inner}#end",
                    f"#m{chance.randint(0, 3)}({_reference(chance)})",
                    f"#evaluate('{chance.choice(('$x', '#m1($y)', '$d'))}')",
                    f"#set($y = $x.{chance.choice(('add', 'concat', 'replaceAll'))}({value}))",
                    f"$input.json('$..{chance.choice('ab*')}')",
                    _reference(chance),
                )
            )
        )
    return "".join(made)


@pytest.mark.parametrize("seed", range(40))
def test_a_seeded_template_gives_an_answer(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        _answers(_template(chance), b'{"a": [1, {"a": "x", "b": [2]}], "b": null}')
