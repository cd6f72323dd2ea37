import time

import pytest

from tests.vtl.rendering import render
from torana.vtl import TemplateError, TemplateFailure, TemplateLimit, compile
from torana.vtl.methods import CHANGING

_DOUBLE = "#foreach($i in [1..40])#set($s = $s + $s)#end"
_HEAVY = "#set($l = [1])#foreach($i in [1..60])#set($l = [$l, $l])#end"
_SHARED = "#set($p = $input.path('$'))#foreach($i in [1..60])#set($p.a = [$p.a, $p.a])#end"

RUNAWAYS = {
    "loops in loops": "#foreach($a in [1..5000])#foreach($b in [1..5000])x#end#end",
    "a long range": "#foreach($i in [1..10000000])#end",
    "ranges in a loop": "#set($l = [])#foreach($i in [1..5000])#set($t = $l.add([1..90000]))#end",
    "a doubled text": f"#set($s = 'xxxxxxxxxx'){_DOUBLE}",
    "a doubled text in quotes": "#set($s = 'x')#foreach($i in [1..40])#set($s = \"$s$s\")#end",
    "a text replaced by itself": "#set($s = 'aaaaaaaaaa')"
    "#foreach($i in [1..40])#set($s = $s.replace('a', $s))#end",
    "a number squared": "#set($n = 9)#foreach($i in [1..90])#set($n = $n * $n)#end",
    "a shared list printed": f"{_HEAVY}$l",
    "a shared list compared": f"{_HEAVY}#set($k = $l)#set($l = [1])#foreach($i in [1..60])"
    "#set($l = [$l, $l])#end#if($l == $k)#end",
    "a shared list joined": f"{_HEAVY}#set($t = 'x' + $l)",
    "a shared list searched": f"{_HEAVY}#set($k = $l)#set($l = [1])#foreach($i in [1..60])"
    "#set($l = [$l, $l])#end$l.contains($k[0])",
    "a shared value as JSON": f"{_SHARED}$input.json('$')",
    "a shared value scanned": f"{_SHARED}$input.json('$..none')",
    "a value that holds itself, as JSON": "#set($p = $input.path('$'))#set($p.a = [$p])"
    "$input.json('$')",
    "a value that holds itself, printed": "#set($p = $input.path('$'))#set($p.a = [$p])$p",
    "a value that holds itself, scanned": "#set($p = $input.path('$'))#set($p.a = [$p])"
    "$input.json('$..x')",
    "a macro that calls itself": "#macro(m $a)#m($a)#end#m(1)",
    "a macro that calls itself twice": '#macro(m $a)#m("$a$a")#m("$a")#end#m(\'x\')',
    "macros that call each other": "#macro(a)#b()#end#macro(b)#a()#end#a()",
    "an evaluation of itself": "#set($t = '#evaluate($t)')#evaluate($t)",
    "evaluations in a loop": '#foreach($i in [1..90000])#evaluate("#set($x = $i)$i")#end',
    "a macro in a loop": "#macro(m)#foreach($i in [1..1000])#m2()#end#end"
    "#macro(m2)#foreach($i in [1..9000])#end#end#m()",
    "a long macro in a loop": f"#macro(m){'$!a' * 9000}#end#foreach($i in [1..9000])#m()#end",
    "a long block in a loop": f"#define($d){'$!a' * 9000}#end#foreach($i in [1..9000])$d#end",
    "a long argument that is read again and again": "#macro(m $x)#foreach($i in [1..90000])"
    f"#if($x)#end#end#end#m([{'$a,' * 9000}1])",
    "a block in itself many times": "#define($d)$d$d$d$e$e#end#define($e)$d$d$d#end"
    "#foreach($i in [1..100000])$d$d$d#end",
    "literal text in a loop": "#foreach($i in [1..1000])" + "x" * 20_000 + "#end",
    "a pattern over a long text": "#set($s = 'aaaa')#foreach($i in [1..18])#set($s = $s + $s)#end"
    "#foreach($i in [1..9000])$s.matches('(a+)+b(a|a)*.*.*c')#end",
    "repeats": "#foreach($i in [1..900])#set($s = $s.repeat(900))#end",
    "a wide format": "$s.format('%9999s')#foreach($i in [1..90000])$s.format('%999s', 1)#end",
    "a list that is walked and grows": "#set($l = [1])#foreach($a in [1..90])"
    "#foreach($i in $l)#set($t = $l.add($i))#end#end",
    "a large copy in a loop": "#set($l = [1..90000])#foreach($i in [1..90000])$l.subList(0, 9)"
    "#foreach($k in $l)#break#end#end",
}


@pytest.mark.parametrize("what", RUNAWAYS)
def test_no_template_does_more_than_it_may(what: str) -> None:
    began = time.process_time()
    with pytest.raises(TemplateLimit):
        render(RUNAWAYS[what], b'{"a": [1]}')
    assert time.process_time() - began < 10


def test_what_a_loop_prints_is_charged_before_it_is_too_large_to_hold() -> None:
    loops = "#foreach($i in [1..900])#foreach($k in [1..900])"
    for printed in ("$x", "$input.path('$.a')", "$input.json('$.a')"):
        with pytest.raises(TemplateLimit, match="too much text"):
            render(
                f"#set($x = $input.path('$.a')){loops}{printed}#end#end",
                b'{"a": "%s"}' % (b"x" * 4000),
            )


def test_an_ordinary_large_body_is_within_the_limits() -> None:
    body = b'{"l": [' + b",".join(b'{"a": %d, "b": "x"}' % i for i in range(20_000)) + b"]}"
    made = render("#foreach($e in $input.path('$.l'))$e.a:$e.b,#end", body)
    assert made.endswith("19999:x,")


def test_json_of_a_large_body_that_was_only_looked_into_is_within_the_limits() -> None:
    body = b"[" + b",".join([b"1"] * 1_100_000) + b"]"
    assert render("#set($all = $input.path('$'))$input.json('$')", body) == body.decode()


@pytest.mark.parametrize(
    "changing",
    [
        "#set($p.a = 1)",
        "#set($p.a[0] = 1)",
        "#evaluate('#set($p.a = 1)')",
        "#macro(m)#set($p.a = 1)#end",
        "$p.put('a', 1)",
        "$p" + ".keySet()" * 20 + ".remove(1)",
        '"$p.a.add(1)"',
        "#foreach($e in $p.entrySet())#set($t = $e.setValue(1))#end",
        *(f"#set($t = $p.a.{method}($p.a))" for method in sorted(CHANGING)),
    ],
)
def test_what_may_change_a_value_is_known_before(changing: str) -> None:
    before = "#set($p = $input.path('$'))"
    assert compile(before + changing).changes
    assert not compile(before + "$p.a $p.get('a').size() $input.json('$')").changes


@pytest.mark.parametrize(
    "template",
    [
        "#if(" + "!" * 5000,
        "#set($x = " + "1" * 5000 + ")",
        "#set($x = " + "(" * 500 + "1" + ")" * 500 + ")",
        "#set($x = " + "[" * 500 + "]" * 500 + ")",
        "#if(true)" * 200 + "#end" * 200,
        "#foreach($i in [1])" * 30 + "#end" * 30,
        '"' * 9 + "#set($x = " + '"$y' * 99,
        "x" * 400_000,
    ],
)
def test_what_is_too_complex_is_a_mistake(template: str) -> None:
    with pytest.raises(TemplateError):
        compile(template)


@pytest.mark.parametrize("operator", ["+", "-", "*", "&&", "||", "==", "<"])
def test_a_chain_of_operators_may_be_long(operator: str) -> None:
    assert compile("#set($x = " + f" {operator} ".join(["1"] * 5000) + ")ok").render({}) == "ok"


def test_a_chain_of_members_may_be_long() -> None:
    assert render("$s" + ".toString()" * 500) == "str"


def test_many_branches_and_many_loops_one_after_another_compile() -> None:
    many = "#if(false)#elseif(false)" + "#elseif(false)" * 500 + "#end"
    assert compile(many + "#foreach($i in [1])$i#end" * 2000).render({}) == "1" * 2000


@pytest.mark.parametrize(
    "template",
    [
        "$util.base64Encode(1)",
        "$input.json(1)",
        "$input.path('$[')",
        "$input.path('$..')",
        "$util.parseJson('{')",
        "$s.substring(9)",
        "$s.matches('(')",
        "$s.matches('(?=x)')",
        "#set($l = [1])$l[5]",
        "#set($l = [1])$l.get(5)",
        "#set($n = 1)$n.parseInt('x')",
        "#evaluate('#if(')",
    ],
)
def test_what_cannot_be_done_is_a_failure_of_the_template(template: str) -> None:
    with pytest.raises(TemplateFailure):
        render(template)
