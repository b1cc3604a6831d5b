"""What the names in a constructor stand for, solved from the live object that it built.

``nn.LSTM(emb, hidden)`` built a layer whose `hidden_size` is 256: so `hidden` was 256. Every such line is an equation
between an expression and a number that can be seen; they are solved one by one until no more can be.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from shapewidget.frameworks.source.arithmetic import atom, atoms, unknown_of, value_of
from shapewidget.frameworks.source.calls import LayerCall, arguments, layer_calls, parameter_names
from shapewidget.frameworks.source.initialiser import Initialiser

Layers = Callable[[object], Iterator[tuple[str, object]]]
"""(path, layer) of every layer below an object, as `named_modules` gives them."""
Setting = Callable[[object, str], object]
"""What an object stores under the name of an attribute or constructor argument; None where it stores nothing."""
Equation = tuple[ast.expr, object]

_PLAIN = (int, float, str, tuple)


def names_in_scope(owner: object, layers: Layers, setting: Setting) -> dict[str, object]:
    """Values of the names in the constructor of an object's class.

    Args:
        owner: The object.
        layers: How to list what it is built of.
        setting: How to read an attribute or argument off an object.

    Returns:
        Values by name: arguments, local variables, "self.hidden", numbers from outside. What can't be solved is
        missing; empty where the source can't be seen.
    """
    return _Solver(layers, setting).names(owner, type(owner))


class _Solver:
    def __init__(self, layers: Layers, setting: Setting) -> None:
        self._layers = layers
        self._setting = setting

    def names(self, owner: object, owner_class: type) -> dict[str, object]:
        """Names in the constructor that `owner_class` has of its own or inherits."""
        initialiser = Initialiser.of(owner_class)
        if initialiser is None:
            return {}
        known = dict(_from_outside(initialiser))
        uncertain = initialiser.unsettled
        equations = [
            (expression, value)
            for expression, value in self._equations(initialiser, owner, owner_class)
            if value is not None
        ]
        exact = [equation for equation in equations if not _rounds(equation[0])]
        for usable in (exact, equations):
            before = -1
            while before != len(known):
                before = len(known)
                for expression, value in usable:
                    _learn(known, unknown_of(expression, value, known))
                for name, expression in initialiser.settled.items():
                    _learn_local(known, name, expression, uncertain)
        return known

    def _equations(self, initialiser: Initialiser, owner: object, owner_class: type) -> Iterator[Equation]:
        yield from _own_attributes(initialiser, owner, self._setting)
        built = [(path, layer) for path, layer in self._layers(owner) if path]
        placed = []
        for made in layer_calls(initialiser):
            placed.append(made.call)
            layer = next((layer for path, layer in built if made.builds(path)), None)
            if layer is not None:
                yield from _of_class(initialiser, made.call, layer)
                if initialiser.calls_class(made.call, type(layer)):
                    yield from self._of_call(initialiser, made.call, [layer])
            yield from _of_count(initialiser, made, built)
        for node in ast.walk(initialiser.node):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
                yield from self._of_base(initialiser, node, owner, owner_class)
            elif isinstance(node, ast.Call) and node not in placed:
                yield from self._of_call(
                    initialiser, node, [layer for _, layer in built if initialiser.calls_class(node, type(layer))]
                )

    def _of_call(self, initialiser: Initialiser, call: ast.Call, made: list[object]) -> Iterator[Equation]:
        """What a call made; of a layer that is handed on to be copied or wrapped, all copies must agree."""
        for name, expression in arguments(call, parameter_names(type(made[0]))) if made else ():
            names = atoms(expression)
            if names and not names & initialiser.unsettled:
                values = [self._argument(layer, name) for layer in made]
                if all(isinstance(value, _PLAIN) and value == values[0] for value in values):
                    yield expression, values[0]

    def _of_base(
        self, initialiser: Initialiser, call: ast.Call, owner: object, owner_class: type
    ) -> Iterator[Equation]:
        """What the class handed to the constructor that it inherits."""
        holders = [each for each in owner_class.__mro__ if "__init__" in vars(each)]
        handed = dict(arguments(call, parameter_names(holders[1])))
        names = self.names(owner, holders[1]) if handed else {}
        for name, expression in handed.items():
            yield expression, names.get(name)

    def _argument(self, layer: object, name: str) -> object:
        value = self._setting(layer, name)
        return self.names(layer, type(layer)).get(name) if value is None else value


def _rounds(expression: ast.expr) -> bool:
    """Whether several sizes come to the same value, so that what comes to it is a guess."""
    return any(isinstance(node, ast.FloorDiv) for node in ast.walk(expression))


def _learn(known: dict[str, object], found: tuple[str, object] | None) -> None:
    if found is not None:
        known.setdefault(*found)


def _learn_local(known: dict[str, object], name: str, expression: ast.expr, uncertain: set[str]) -> None:
    if atoms(expression) & uncertain:
        return
    value = value_of(expression, known)
    if name in known:
        _learn(known, unknown_of(expression, known[name], known))
    elif value is not None:
        known[name] = value


def _from_outside(initialiser: Initialiser) -> Iterator[tuple[str, object]]:
    """Numbers that the constructor reads from the cells and modules around it."""
    inside = {*initialiser.parameters, *initialiser.settled, *initialiser.unsettled}
    for node in ast.walk(initialiser.node):
        if isinstance(node, ast.Name | ast.Attribute) and atom(node) not in inside:
            value = initialiser.meaning(node)
            if isinstance(value, _PLAIN):
                yield ast.unparse(node), value


def _own_attributes(initialiser: Initialiser, owner: object, setting: Setting) -> Iterator[Equation]:
    """``self.hidden = hidden``, and ``self.hidden`` itself, where it is assigned once."""
    names = [initialiser.attribute(target) for target, _ in initialiser.assignments]
    for target, expression in initialiser.assignments:
        name = initialiser.attribute(target)
        if name is not None and names.count(name) == 1:
            value = setting(owner, name)
            yield expression, value
            if isinstance(value, _PLAIN):
                yield target, value


def _of_class(initialiser: Initialiser, call: ast.Call, layer: object) -> Iterator[Equation]:
    """A class that was handed in: ``norm(dim)`` made a `LayerNorm`."""
    if atom(call.func) in initialiser.parameters:
        yield call.func, type(layer)


def _of_count(initialiser: Initialiser, made: LayerCall, built: list[tuple[str, object]]) -> Iterator[Equation]:
    """The number of layers of a list whose items are made ``for _ in range(n)``."""
    if not made.path.endswith("*"):
        return
    count = sum(made.builds(path) for path, _ in built)
    loops = [
        node
        for node in ast.walk(initialiser.node)
        if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.For) and made.call in ast.walk(node)
    ]
    for loop in loops[-1:]:
        iterated = loop.iter if isinstance(loop, ast.For) else loop.generators[0].iter
        match iterated:
            case ast.Call(func=ast.Name(id="range"), args=[number]):
                yield number, count
