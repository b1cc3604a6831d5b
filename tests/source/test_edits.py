"""The user's source is edited to the byte, and its functions are compiled again as they were."""

import ast

import pytest
from cells import run

from shapewidget.frameworks.source.edits import adding_keyword, replacing_expression
from shapewidget.frameworks.source.text import Source, Span, recompiled


def source_of(*lines):
    text = tuple(line + "\n" for line in lines)
    return Source("mine.py", text)


def first_call(source):
    return next(node for node in ast.walk(source.tree) if isinstance(node, ast.Call))


def test_replacing_counts_columns_in_bytes():
    source = source_of("x = 1", "é = 'ü'; y = f(hidden, 2)  # ü")
    edit = source.replacing(Span.of(first_call(source).args[0]), "2 * hidden")
    assert edit.after == ("é = 'ü'; y = f(2 * hidden, 2)  # ü\n",)
    assert edit.diff().splitlines()[2:] == ["@@ -2 +2 @@", f"-{edit.before[0]}"[:-1], f"+{edit.after[0]}"[:-1]]


def test_replacing_joins_lines():
    source = source_of("f(", "  a,", "  b", ")")
    assert source.edited(source.replacing(Span.of(first_call(source)), "g()")).lines == ("g()\n",)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("f()", "f(k=True)"),
        ("f( )", "f(k=True )"),
        ("f(a)", "f(a, k=True)"),
        ("f(a, )", "f(a, k=True )"),
        ("f(a, b=(c))", "f(a, b=(c), k=True)"),
        ("f(a, **more)", "f(a, **more, k=True)"),
        ("f((a)  # a, )\n)", "f((a), k=True  # a, )\n)"),
        ("f(\n  'ü',\n  b,  # last, really\n)", "f(\n  'ü',\n  b, k=True  # last, really\n)"),
        ("f(\n  a\n  ,\n)", "f(\n  a\n  , k=True\n)"),
    ],
)
def test_adding_keyword_fits_in_behind_the_other_arguments(call, expected):
    source = source_of(*call.split("\n"))
    edited = source.edited(adding_keyword(source, first_call(source), "k", "True"))
    assert "".join(edited.lines).rstrip("\n") == expected
    assert first_call(edited).keywords[-1].arg == "k"


@pytest.mark.parametrize(
    ("line", "expression", "replacement", "expected"),
    [
        ("y = x.view(2)", "x.view(2)", "x.flatten(1)", "y = x.flatten(1)"),
        ("y = x.view(2)", "x.view(2)", "x + 1", "y = x + 1"),
        ("y = x.view(2).relu()", "x.view(2)", "x + 1", "y = (x + 1).relu()"),
        ("y = f(x, k=a)", "a", "b if c else d", "y = f(x, k=b if c else d)"),
        ("y = 'ü', x.view(2)", "x.view(2)", "x.t()", "y = 'ü', x.t()"),
        ("x = x + 1", "x", "y", "x = y + 1"),
    ],
)
def test_replacing_expression_keeps_the_meaning(line, expression, replacement, expected):
    source = source_of("z = x.view(2)", line)
    edit = replacing_expression(source, 2, expression, replacement)
    assert edit.after == (expected + "\n",)


def test_replacing_expression_finds_nothing_on_another_line():
    assert replacing_expression(source_of("y = f(x)", "z = 1"), 2, "f(x)", "g(x)") is None


def edited_function(function, expression, replacement):
    source = Source.read(function.__code__.co_filename)
    line = next(number for number, text in enumerate(source.lines, 1) if expression in text)
    edit = replacing_expression(source, line, expression, replacement)
    return recompiled(function, source, source.edited(edit))


def test_recompiled_function_of_a_cell_keeps_defaults_closure_super_and_private_names(shell):
    namespace = run(
        shell,
        """
        import math
        def make(offset):
            class Base:
                def value(self): return 100
            class Net(Base):
                def __init__(self): self.__hidden = 1
                def value(self, x=10, *, y=1000):
                    return math.floor(super().value() + self.__hidden + x + y + offset)
            return Net
        Net = make(10000)
        """,
    )
    net = namespace["Net"]()
    made = edited_function(type(net).value, "super().value() + self.__hidden", "super().value() + 2 * self.__hidden")
    assert (net.value(), made(net), made(net, 0, y=0)) == (11111, 11112, 10102)


def test_recompiled_function_writes_to_no_namespace_of_the_users(script):
    namespace = script("count = 0\ndef f():\n    global count\n    count = 7\n    return count + 0\n")
    assert edited_function(namespace["f"], "count + 0", "count + 1")() == 8
    assert namespace["count"] == 0


def test_recompiled_lambda_is_the_right_one_of_a_line(script):
    namespace = script("pair = (lambda x: x + 1, lambda x: x + 2)\n")
    assert edited_function(namespace["pair"][1], "x + 2", "x + 3")(0) == 3


def test_recompiled_refuses_a_source_that_has_changed_since(script, tmp_path):
    function = script("def f(x):\n    return x + 1\n")["f"]
    (tmp_path / "mine.py").write_text("def f(x):\n    return x + 10\n")
    with pytest.raises(ValueError, match=r"mine.py has changed since f was made from it"):
        edited_function(function, "x + 10", "x + 11")
