import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torana.message import Headers
from torana.vtl import (
    BodyNotJson,
    Input,
    TemplateError,
    TemplateFailure,
    TemplateLimit,
    Util,
    compile,
    json_path,
)

BODY = b'{"a": {"b": [1, 2, {"c": "x\'y"}]}, "t": "hi", "n": null, "f": 1.5, "ok": true}'


def render(template: str, body: bytes = BODY) -> str:
    given_input = Input(
        body,
        path={"id": "7", "both": "path"},
        querystring={"q": ["1", "2"], "both": ["query"]},
        headers=Headers([("X-A", "h")]),
    )
    scope = {"input": given_input, "util": Util(), "stageVariables": {"s": "v"}}
    return compile(template).render({**scope, "context": {"identity": {"sourceIp": "1.2.3.4"}}})


CASES = {
    # references
    "$stageVariables.s": "v",
    "${stageVariables.s}x": "vx",
    "$context.identity.sourceIp": "1.2.3.4",
    "$none": "$none",
    "$!none": "",
    "${none}": "${none}",
    "$!{none.deep}": "",
    "costs $5 and $": "costs $5 and $",
    r"\$none \$stageVariables.s": r"\$none $stageVariables.s",
    "$stageVariables.s.": "v.",
    # $input
    "$input.body": BODY.decode(),
    "$input.json('$.a.b')": '[1,2,{"c":"x\'y"}]',
    "$input.json('$')": '{"a":{"b":[1,2,{"c":"x\'y"}]},"t":"hi","n":null,"f":1.5,"ok":true}',
    "$input.path('$.t')": "hi",
    "$input.path('$.a')": '{b=[1,2,{"c":"x\'y"}]}',
    "$input.path('$.missing')": "",
    "$input.path('$.a.b').size()": "3",
    "$input.params('id') $input.params('q') $input.params('x-a')": "7 2 h",
    "$input.params('both')": "path",
    "$input.params().querystring.get('q')": "2",
    "$input.params().header": "{X-A=h}",
    # $util
    "$util.escapeJavaScript($input.path('$.a.b[2].c'))": "x\\'y",
    '$util.urlEncode("a b&c") $util.urlDecode("a+b%26c")': "a+b%26c a b&c",
    '$util.base64Encode("hi") $util.base64Decode("aGk=")': "aGk= hi",
    "#set($p = $util.parseJson('{\"k\": [1]}'))$p.k[0]": "1",
    # directives
    "#set($x = 1)$x": "1",
    "#set($x = 1)#set($x = $none)$x": "1",
    "a\n  #set($x = 1)\nb": "a\n  b",
    "#if(true)\nyes\n#end\nno": "yes\nno",
    "#if($none)a#elseif($input.path('$.ok'))b#{else}c#end": "b",
    "#if(!$none && 1 < 2 || false)t#end": "t",
    "#foreach($e in [1..3])$e$foreach.index#if($foreach.hasNext),#end#end": "10,21,32",
    "#foreach($e in {'a': 1, 'b': 2})$velocityCount:$e #end": "1:1 2:2 ",
    "#foreach($e in [3..1])#if($e == 2)#break#end$e#end": "3",
    "#foreach($a in [1, 2])#foreach($b in [1])$foreach.parent.count#end#end": "12",
    "a#stop b": "a",
    "a## comment\nb#* long *#c": "abc",
    "#[[ $raw #if ]]#": " $raw #if ",
    "# not a directive #1": "# not a directive #1",
    # values and operators
    "#set($x = 7 / 2 + 10 % 4 * 2 - 1)$x": "6",
    "#set($x = -7 / 2)$x": "-3",
    "#set($x = 7 / 0)$!x": "",
    "#set($x = 'a' + 1)$x": "a1",
    '#set($x = "v=$stageVariables.s!")$x': "v=v!",
    "#set($x = '$stageVariables.s')$x": "$stageVariables.s",
    "#set($x = 1.5 + 1)$x": "2.5",
    "#set($x = 100000000.0 * 1)$x": "1.0E8",
    "#if('a' eq 'a' and not (1 gt 2))t#end": "t",
    "#set($m = {'k': [1, 'z']})$m $m.k[1] $m.get('k').contains('z')": "{k=[1, z]} z true",
    "#set($m = {})#set($m.k = 1)#set($m['l'] = 2)$m": "{k=1, l=2}",
    "#set($l = [])#set($ok = $l.add(5))$l.size()$ok": "1true",
    # methods
    "#set($s = 'Hello')$s.length() $s.substring(1, 3) $s.toUpperCase()": "5 el HELLO",
    "#set($s = 'a-b-c')$s.split('-').size() $s.replaceAll('-', '+')": "3 a+b+c",
    "#set($s = ' x ')[$s.trim()] $s.isEmpty()": "[x] false",
    "$input.path('$').keySet().size()": "5",
    "#foreach($e in $input.path('$.a').entrySet())$e.key#end": "b",
}


@pytest.mark.parametrize("template", CASES)
def test_a_template_renders_as_the_service_does(template: str) -> None:
    assert render(template) == CASES[template]


@pytest.mark.parametrize(
    ("template", "line", "column"),
    [
        ("#if(true)", 1, 1),
        ("a\n#end", 2, 1),
        ("#set($x = )", 1, 11),
        ("#set(x = 1)", 1, 6),
        ("$a.b(", 1, 6),
        ("ok\n #parse('m')", 2, 2),
    ],
)
def test_a_mistake_is_named_with_its_place(template: str, line: int, column: int) -> None:
    with pytest.raises(TemplateError) as caught:
        compile(template)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    "template",
    [
        "#foreach($a in [1..1000])#foreach($b in [1..1000])#foreach($c in [1..10])#end#end#end",
        "#set($s = 'xxxxxxxxxx')#foreach($i in [1..90])#set($s = $s + $s)#end",
        "#foreach($i in [1..10000000])#end",
        "#set($n = 9)#foreach($i in [1..90])#set($n = $n * $n)#end",
        "#set($s = 'aaaa')#foreach($i in [1..99])#set($s = $s.concat($s))$s.matches('(a+)+b')#end",
    ],
)
def test_no_template_takes_more_than_its_budget(template: str) -> None:
    with pytest.raises(TemplateLimit):
        render(template)


@pytest.mark.parametrize(
    "template",
    [
        "$input.__class__",
        "$input._body",
        "$util.__init__()",
        "#set($s = '')$s.__class__.__mro__",
        "$input.path('$').__class__",
        "$input.params().path.__dict__",
        "$util.METHODS",
    ],
)
def test_no_template_reaches_python(template: str) -> None:
    assert "<" not in render(template) and "frozenset" not in render(template)


def test_a_body_that_is_not_json_is_told_apart() -> None:
    with pytest.raises(BodyNotJson):
        render("$input.path('$.a')", b"{nope")


def test_an_override_is_written_where_the_gateway_reads_it() -> None:
    override: dict[str, object] = {"header": {}}
    compile("#set($context.responseOverride.header.X = 'y')").render(
        {"context": {"responseOverride": override}}
    )
    assert override == {"header": {"X": "y"}}


PATHS = [
    ("$.t", "hi"),
    ("$['a']['b'][0]", 1),
    ("$.a.b[-1].c", "x'y"),
    ("$.a.b[*]", [1, 2, {"c": "x'y"}]),
    ("$..c", ["x'y"]),
    ("$.a.b[0:2]", [1, 2]),
    ("$.a.b[0,1]", [1, 2]),
    ("$.a.b[?(@.c)]", [{"c": "x'y"}]),
    ("$.a.b.length()", 3),
    ("$.none.deeper", None),
]


@pytest.mark.parametrize(("path", "found"), PATHS)
def test_a_path_finds_what_the_engine_finds(path: str, found: object) -> None:
    assert json_path(path)(BODY) == found


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "#if(",
                "#end",
                "#set($x=",
                ")",
                "$x",
                "${",
                "}",
                "[1..",
                "#foreach($e in ",
                "'",
                '"',
                "#else",
                "##",
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
                "é",
            ]
        ),
        max_size=25,
    ).map("".join)
)
def test_any_text_is_a_template_or_a_mistake(text: str) -> None:
    try:
        compiled = compile(text)
    except TemplateError:
        return
    try:
        compiled.render({})
    except TemplateFailure:
        return


def test_literal_text_counts_towards_the_output() -> None:
    with pytest.raises(TemplateLimit):
        render("#foreach($i in [1..1000])" + "x" * 20_000 + "#end")


@pytest.mark.parametrize("template", ["#if(" + "!" * 5000, "#set($x = " + "1" * 5000 + ")"])
def test_what_is_too_complex_is_a_mistake(template: str) -> None:
    with pytest.raises(TemplateError):
        compile(template)


@pytest.mark.parametrize("template", ["$util.base64Encode(1)", "$input.json(1)"])
def test_a_wrong_argument_is_a_failure_of_the_template(template: str) -> None:
    with pytest.raises(TemplateFailure):
        render(template)


def test_a_replacement_cannot_blow_up() -> None:
    double = "#foreach($i in [1..13])#set($s = $s + $s)#end"
    with pytest.raises(TemplateLimit):
        render(f"#set($s = 'a'){double}#set($t = $s.replace('a', $s))")
