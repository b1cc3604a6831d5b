"""The user's source is read, and mended, where users have it: in notebook cells, in files, or nowhere at all."""

import ast
import linecache
import sys
from types import FunctionType

import pytest
from cells import KernelShell, run, shell_of
from IPython.core.interactiveshell import InteractiveShell

from shapewidget.frameworks.source import here, resolve
from shapewidget.frameworks.source.arithmetic import unknown_of, value_of
from shapewidget.frameworks.source.calls import argument, layer_calls, parameter_names
from shapewidget.frameworks.source.cells import label
from shapewidget.frameworks.source.edits import adding_keyword, replacing_expression
from shapewidget.frameworks.source.expressions import expressions
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.initialiser import Initialiser
from shapewidget.frameworks.source.scope import names_in_scope
from shapewidget.frameworks.source.text import Source, Span, recompiled
from shapewidget.graph.dims import Dim


@pytest.fixture(params=[InteractiveShell, KernelShell], ids=["ipython", "ipykernel"])
def shell(request):
    with shell_of(request.param) as shell:
        yield shell


@pytest.fixture
def script(tmp_path):
    """Runs a text as a file of the user's."""

    def load(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        namespace = {"__name__": "mine", "here": here}
        exec(compile(text, str(path), "exec"), namespace)
        return namespace

    return load


class Made:
    """What stands in for a layer: it keeps its arguments."""

    def __init__(self, size, width=1, flag=False):
        self.size, self.width, self.flag = size, width, flag


def source_of(*lines):
    text = tuple(line + "\n" for line in lines)
    return Source("mine.py", text)


def first_call(source):
    return next(node for node in ast.walk(source.tree) if isinstance(node, ast.Call))


def stored(owner, name):
    return vars(owner).get(name)


def below(owner):
    """(path, layer) of the layers among an object's attributes and in its lists."""
    for name, value in vars(owner).items():
        if isinstance(value, list):
            yield from ((f"{name}.{place}", item) for place, item in enumerate(value))
        elif isinstance(value, Made):
            yield name, value


# -- which line is running ----------------------------------------------------------------------------------------------


def test_here_names_the_line_and_the_expression_of_a_file(script):
    capture = script("x = 1\nö = [here(), 'ü']\n")["ö"][0]
    found = resolve(capture)
    assert (found.label, found.line, found.text, found.expression) == ("mine.py", 2, "ö = [here(), 'ü']", "here()")


def test_here_names_the_cell(shell):
    run(shell, "1 + 1")
    shell.user_ns["here"] = here
    found = resolve(run(shell, "x = 0\ncapture = (0, here())[1]")["capture"])
    assert str(found) == "In [2], line 2"
    assert found.expression == "here()"


def test_here_gives_the_whole_of_a_chain_broken_over_lines(script):
    chain = "class X:\n    def a(self):\n        return self\n    def b(self):\n        return here()\n"
    capture = script(chain + "def run(x):\n    return (x\n        .a()\n        .b())\nfound = run(X())\n")["found"]
    assert resolve(capture).expression == "here()"
    code = next(code for code in _codes(capture, "run"))
    call = [place for place in code.co_positions() if place[0] == 9]
    offset = list(code.co_positions()).index(call[-1])
    found = resolve((code, 2 * offset))
    assert (found.line, found.expression) == (9, "x\n        .a()\n        .b()")


def _codes(capture, name):
    source = Source.read(capture[0].co_filename)
    return (code for code in source.functions(by_statement=False) if code.co_name == name)


def test_here_passes_over_the_standard_library(script):
    found = script(
        "import contextlib\nwith contextlib.ExitStack() as stack:\n    x = []\n    stack.callback(lambda: x.append(here()))\n"
    )
    assert resolve(found["x"][0]).line == 4
    through = script("from functools import singledispatch\n@singledispatch\ndef f(x):\n    return here()\ny = f(1)\n")
    assert resolve(through["y"]).line == 4


def test_here_prefers_the_users_caller_of_a_library_function(tmp_path):
    library = {"here": here}
    exec(compile("def op():\n    return here()\n", str(tmp_path / "site-packages" / "lib.py"), "exec"), library)
    own = {"op": library["op"]}
    exec(compile("\n\nx = op()\n", str(tmp_path / "mine.py"), "exec"), own)
    assert own["x"][0].co_filename == str(tmp_path / "mine.py")


def test_here_stays_in_a_library_that_a_framework_called(tmp_path):
    library, machinery = {"here": here}, {}
    exec(compile("def op():\n    return here()\n", str(tmp_path / "site-packages" / "lib.py"), "exec"), library)
    exec(compile("def call(f):\n    return f()\n", linecache.__file__, "exec"), machinery)
    assert machinery["call"](library["op"])[0].co_filename.endswith("lib.py")


def test_here_is_none_without_a_frame_of_the_users():
    namespace = {"here": here}
    exec(compile("def f():\n    return here()", linecache.__file__, "exec"), namespace)
    assert _outside_of_tests(namespace["f"]) is None


def _outside_of_tests(function):
    """Called from a thread whose every frame is of the standard library."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_resolve_gives_the_line_number_where_there_is_no_source():
    namespace = {"here": here}
    exec("\n\nx = here()", namespace)
    found = resolve(namespace["x"])
    assert (found.label, found.line, found.text, found.expression) == ("<string>", 3, "", None)


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("<ipython-input-3-0a1b2c>", "In [3]"),
        ("/tmp/ipykernel_12/34.py", "a notebook cell"),
        ("/home/me/net.py", "net.py"),
    ],
)
def test_label_is_what_a_person_knows_the_source_by(filename, expected):
    assert label(filename) == expected


def test_label_finds_the_cell_by_its_text_where_the_shell_keeps_no_map():
    with shell_of(KernelShell) as shell:
        run(shell, "first = 1")
        code = run(shell, "def f(): pass")["f"].__code__
        shell.user_ns["In"] = ["", "first = 1", "def f(): pass"]
        del shell.compile._filename_map[code.co_filename]
        assert label(code.co_filename) == "In [2]"


def test_is_own_tells_the_users_sources_from_installed_ones():
    from shapewidget.zoo import torch_models

    assert is_own(__file__)
    assert is_own(torch_models.__file__)
    assert not is_own(pytest.__file__)
    assert not is_own(sys.modules[here.__module__].__file__)


# -- edits --------------------------------------------------------------------------------------------------------------


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


# -- functions compiled again -------------------------------------------------------------------------------------------


def edited_function(function, expression, replacement):
    source = Source.read(function.__code__.co_filename)
    line = next(number for number, text in enumerate(source.lines, 1) if expression in text)
    return recompiled(function, source, replacing_expression(source, line, expression, replacement))


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


# -- the calls that build the layers ------------------------------------------------------------------------------------

BUILDING = """
from types import SimpleNamespace as nn
class Net:
    def __init__(self, hidden, n):
        super().__init__()
        self.head = Linear(hidden, 1)
        self.é: object = Linear(hidden, 2)
        self.a, self.b = Linear(1, 3), Linear(1, 4)
        self.net = nn.Sequential(Linear(1, 5), nn.Sequential(ReLU(), Linear(1, 6)))
        self.blocks = nn.ModuleList([Linear(1, 7) for _ in range(n)])
        self.stack = nn.Sequential(*[Linear(1, 8) for _ in range(n)])
        self.named = nn.Sequential(OrderedDict([("one", Linear(1, 9)), ("two", ReLU())]))
        self.table = nn.ModuleDict({"x": Linear(1, 10)})
        self.words = nn.ModuleDict(dict(y=Linear(1, 11)))
        parts = [Linear(1, 12), ReLU()]
        self.parts = nn.Sequential(*parts)
        grown = [Linear(1, 13)]
        grown.append(ReLU())
        self.grown = nn.Sequential(*grown)
        self.appended = nn.ModuleList()
        for i in range(n):
            self.appended.append(Linear(1, 14))
            setattr(self, f"layer{i}", Linear(1, 15))
        self.add_module("added", Linear(1, 16))
        self.single = nn.Sequential(Linear(1, 17))
"""


@pytest.mark.parametrize(
    ("path", "width"),
    [
        ("head", 1),
        ("é", 2),
        ("a", 3),
        ("b", 4),
        ("net.0", 5),
        ("net.1.1", 6),
        ("blocks.2", 7),
        ("stack.0", 8),
        ("named.one", 9),
        ("table.x", 10),
        ("words.y", 11),
        ("parts.0", 12),
        ("grown.0", None),
        ("appended.1", 14),
        ("layer3", 15),
        ("added", 16),
        ("single.0", 17),
        ("missing", None),
    ],
)
def test_layer_calls_know_what_builds_a_path(script, path, width):
    initialiser = Initialiser.of(script(BUILDING)["Net"])
    widths = [argument(made.call, "b", ["a", "b"]).value for made in layer_calls(initialiser) if made.builds(path)]
    assert widths == ([] if width is None else [width])


def test_initialiser_of_a_class_of_a_cell_is_found(shell):
    net = run(shell, BUILDING)["Net"]
    assert Initialiser.of(net).parameters == ["hidden", "n"]


def test_initialiser_is_none_without_source():
    namespace = {}
    exec(BUILDING, namespace)
    assert Initialiser.of(namespace["Net"]) is None
    assert Initialiser.of(int) is None


def test_parameter_names_look_behind_variadic_constructors():
    class Base:
        def __init__(self, size, *, flag=False): ...

    class Derived(Base):
        def __init__(self, *args, **kwargs): ...

    assert parameter_names(Derived) == ["size", "flag"]


@pytest.mark.parametrize(("call", "expected"), [("f(1, b=2)", 2), ("f(1, 2)", 2), ("f(1)", None), ("f(*a, 2)", None)])
def test_argument_is_found_by_place_or_name(call, expected):
    found = argument(ast.parse(call, mode="eval").body, "b", ["a", "b"])
    assert getattr(found, "value", None) == expected


# -- names and sizes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 * h", 14),
        ("h + 1 - 3", 5),
        ("h // 2", 3),
        ("h % 4", 3),
        ("-h", -7),
        ("h * (2 if both else 1)", 14),
        ("int(h)", 7),
        ("self.h", 9),
        ("h // zero", None),
        ("h + unknown", None),
        ("f(h)", None),
        ("h.bit_length()", None),
    ],
)
def test_value_of_works_out_sizes_and_nothing_else(text, value):
    known = {"h": 7, "self.h": 9, "both": True, "zero": 0}
    assert value_of(ast.parse(text, mode="eval").body, known) == value


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("x", 5, ("x", 5)),
        ("2 * x", 10, ("x", 5)),
        ("x * h", 35, ("x", 5)),
        ("x + h", 12, ("x", 5)),
        ("h - x", 2, ("x", 5)),
        ("x - 1", 4, ("x", 5)),
        ("x // 2", 5, ("x", 10)),
        ("2 * (x + 1)", 12, ("x", 5)),
        ("config.x", 5, ("config.x", 5)),
        ("2 * x", 9, None),
        ("x + y", 9, None),
        ("h", 7, None),
    ],
)
def test_unknown_of_solves_for_the_one_unknown_name(text, value, found):
    assert unknown_of(ast.parse(text, mode="eval").body, value, {"h": 7}) == found


def test_names_in_scope_are_solved_from_what_was_built(script):
    namespace = script(
        """
OUTER = 11
class Base:
    def __init__(self, base):
        self.first = Made(base)
class Net(Base):
    def __init__(self, emb, hidden, layers, tags, both, unused, heads):
        super().__init__(2 * emb)
        self.kept = both
        width = hidden * (2 if both else 1)
        self.body = Made(size=width, width=tags)
        self.list = [Made(heads) for _ in range(layers)]
        for size in (emb, hidden):
            self.last = Made(size)
        self.outer = Made(OUTER)
        self.flagged = Made(hidden, flag=both)
"""
    )
    namespace["Made"] = Made
    net = namespace["Net"](3, 8, 4, 5, True, 6, 2)
    found = names_in_scope(net, below, stored)
    wanted = dict(emb=3, hidden=8, layers=4, tags=5, both=True, heads=2, width=16, OUTER=11)
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["self.kept"] is True
    assert "unused" not in found
    assert "size" not in found


def test_names_in_scope_take_coinciding_sizes_apart(script):
    namespace = script(
        "class Net:\n    def __init__(self, emb, hidden):\n        self.a = Made(emb)\n        self.b = Made(2 * hidden)\n"
    )
    namespace["Made"] = Made
    assert names_in_scope(namespace["Net"](8, 4), below, stored) == {"emb": 8, "hidden": 4}


def test_names_in_scope_are_empty_without_source():
    assert names_in_scope(3, below, stored) == {}


DOUBLE = Dim(((2, ("hidden",)),))


@pytest.mark.parametrize(
    ("value", "dim", "names", "preferred", "expected"),
    [
        (512, DOUBLE, {"hidden": 256}, (), "2 * hidden"),
        (512, DOUBLE, {"hidden": 256, "emb": 512}, (), "2 * hidden"),
        (512, DOUBLE, {"hidden": 128, "emb": 512}, (), "emb"),
        (512, None, {"emb": 256, "hidden": 256}, ("hidden",), "2 * hidden"),
        (512, None, {"width": 512, "hidden": 256}, ("hidden",), "2 * hidden"),
        (8, None, {"channels": 32, "squeezed": 8}, ("ratio",), "squeezed"),
        (356, None, {"hidden": 256, "emb": 100}, (), "hidden + emb"),
        (128, None, {"hidden": 256}, ("hidden",), "hidden // 2"),
        (64, None, {"heads": 4, "dim": 16}, (), "4 * dim"),
        (512, None, {"hidden": 100}, (), "512"),
        (512, None, {"one": 1, "flag": True}, (), "512"),
        (True, None, {"hidden": 1}, (), "True"),
        (6, Dim(((1, ("T",)),), offset=-6, divisor=4), {"T": 30}, (), "(T - 6) // 4"),
        (27, Dim(((1, ("a",)), (-1, ("b",))), offset=3), {"a": 30, "b": 6}, (), "a - b + 3"),
        (60, Dim(((1, ("a", "b")),), divisor=3), {"a": 30, "b": 6}, (), "a * b // 3"),
    ],
)
def test_expressions_begin_with_what_the_user_would_write(value, dim, names, preferred, expected):
    texts = list(expressions(value, dim, names, preferred))
    assert texts[0] == expected
    assert texts[-1] == repr(value)
    assert len(set(texts)) == len(texts)


def test_expressions_come_to_the_value():
    names = {"hidden": 24, "emb": 12, "heads": 4, "d": 6}
    for value in range(2, 100):
        for text in expressions(value, None, names, ("hidden",)):
            assert value_of(ast.parse(text, mode="eval").body, names) == value


def test_recompiled_is_a_plain_function(script):
    assert isinstance(edited_function(script("def f(x):\n    return x + 1\n")["f"], "x + 1", "x"), FunctionType)
