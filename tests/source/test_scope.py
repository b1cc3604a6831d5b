"""What builds a layer, what its arguments stood for, and how a size is written in their terms."""

import ast

import pytest
from cells import run

from shapewidget.frameworks.source.arithmetic import unknown_of, value_of
from shapewidget.frameworks.source.calls import argument, layer_calls, parameter_names
from shapewidget.frameworks.source.expressions import expressions
from shapewidget.frameworks.source.initialiser import Initialiser
from shapewidget.frameworks.source.scope import names_in_scope
from shapewidget.graph.dims import Dim


class Made:
    """What stands in for a layer: it keeps its arguments."""

    def __init__(self, size, width=1, flag=False):
        self.size, self.width, self.flag = size, width, flag


def stored(owner, name):
    return vars(owner).get(name)


def below(owner):
    """(path, layer) of the layers among an object's attributes and in its lists."""
    for name, value in vars(owner).items():
        if isinstance(value, list):
            yield from ((f"{name}.{place}", item) for place, item in enumerate(value))
        elif isinstance(value, Made):
            yield name, value


BUILDING = """
from types import SimpleNamespace as nn
class Net:
    def __init__(self, hidden, n):
        super().__init__(Linear(1, 18), ReLU())
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
        ("0", 18),
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
        ("30 // x", 6, ("x", 5)),
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
    wanted = {"emb": 3, "hidden": 8, "layers": 4, "tags": 5, "both": True, "heads": 2, "width": 16, "OUTER": 11}
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["self.kept"] is True
    assert "unused" not in found
    assert "size" not in found


def test_names_in_scope_take_coinciding_sizes_apart(script):
    namespace = script(
        """
class Net:
    def __init__(self, emb, hidden):
        self.a = Made(emb)
        self.b = Made(2 * hidden)
"""
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
        (8, None, {"ratio": 4, "channels": 32, "squeezed": 8}, ("ratio", "squeezed"), "squeezed"),
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
