import pytest

from tests.vtl.rendering import render
from torana.vtl import BodyNotJson, TemplateError, compile


@pytest.mark.parametrize(
    ("template", "line", "column"),
    [
        ("#if(true)", 1, 1),
        ("a\n#end", 2, 1),
        ("a\n #else", 2, 2),
        ("#set($x = )", 1, 11),
        ("#set(x = 1)", 1, 6),
        ("#set($x.y() = 1)", 1, 1),
        ("$a.b(", 1, 6),
        ("${a b}", 1, 4),
        ("ok\n #parse('m')", 2, 2),
        ("#include('m')", 1, 1),
        ("#macro(m)", 1, 1),
        ("#macro()#end", 1, 8),
        ("#define($d)x", 1, 1),
        ("#foreach($i of [1])#end", 1, 13),
        ("#foreach($i in [1])\n\n", 1, 1),
        ("x #* open", 1, 3),
        ("#set($x = 'open)", 1, 11),
        ('#set($x = "#if(true)")', 1, 12),
        ("#break($other)", 1, 1),
    ],
)
def test_a_mistake_is_named_with_its_place(template: str, line: int, column: int) -> None:
    with pytest.raises(TemplateError) as caught:
        compile(template)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_files_are_refused_by_name() -> None:
    with pytest.raises(TemplateError, match="#include and #parse are not supported"):
        compile("#parse('a.vm')")


def test_a_body_that_is_not_json_is_told_apart() -> None:
    with pytest.raises(BodyNotJson):
        render("$input.path('$.a')", b"{nope")


def test_a_body_that_no_template_looks_into_may_be_anything() -> None:
    assert render("$input.body", b"{nope") == "{nope"


@pytest.mark.parametrize(
    "template",
    [
        "$input.__class__",
        "$input._body",
        "$input.get('_body')",
        "$util.__init__()",
        "$util.METHODS",
        "#set($s = '')$s.__class__.__mro__",
        "$s.format('{0.__class__}', 1)",
        "$input.path('$').__class__",
        "$input.params().path.__dict__",
        "#evaluate('$util.__class__')",
        "#evaluate('$V $B $w $g')$V$B$w",
        "#macro(m $V $__class__)$V$__class__#end#m()",
        "#set($call = 1)#set($__builtins__ = 2)$__builtins__",
        "#foreach($i in [1])$foreach.items$foreach.before$foreach.__class__$foreach#end",
        "#define($d)x#end$d.run $d.scope $d.body",
        "#set($i = [1].iterator())$i.items",
        "$m.entrySet().map $m.keySet().append(1)",
        "$context.identity.__class__ $stageVariables.copy()",
    ],
)
def test_no_template_reaches_python(template: str) -> None:
    try:
        made = render(template)
    except TemplateError:
        return
    for trace in ("<class", "object at", "frozenset", "function", "builtins.", "mappingproxy"):
        assert trace not in made


def test_an_override_is_written_where_the_gateway_reads_it() -> None:
    override: dict[str, object] = {"header": {}}
    compile("#set($context.responseOverride.header.X = 'y')").render(
        {"context": {"responseOverride": override}}
    )
    assert override == {"header": {"X": "y"}}


def test_a_rendering_leaves_the_variables_as_they_were() -> None:
    variables = {"x": 1}
    assert compile("#set($x = 2)#set($y = 3)$x").render(variables) == "2"
    assert variables == {"x": 1}


def test_a_template_is_compiled_once() -> None:
    assert compile("once $x") is compile("once $x")
