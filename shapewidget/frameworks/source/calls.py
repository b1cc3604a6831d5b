"""The calls in a constructor's source that build the layers: which of them builds "net.0", and with what arguments."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from shapewidget.frameworks.source.initialiser import Initialiser

_MAPPINGS = ("OrderedDict", "dict")
_CLONING = ("TransformerEncoder", "TransformerDecoder")
_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict", *_MAPPINGS)


@dataclass(frozen=True)
class LayerCall:
    """A call that builds a layer.

    Attributes:
        path: Path of the layer below the object being built; "*" where one call builds several: "blocks.*".
        call: The call.
    """

    path: str
    call: ast.Call

    def builds(self, path: str) -> bool:
        """Whether the layer of that path comes from this call."""
        parts, patterns = path.split("."), self.path.split(".")
        return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def layer_calls(initialiser: Initialiser) -> Iterator[LayerCall]:
    """The calls that build layers; those in a container before the container itself."""
    for target, value in initialiser.assignments:
        if path := _path(initialiser, target):
            yield from built_calls(initialiser.settled, path, value)
    for node in ast.walk(initialiser.node):
        match node:
            case ast.Call(func=ast.Name(id="setattr"), args=[owner, name, value]):
                path = _below(_path(initialiser, owner), _key(name))
            case ast.Call(func=ast.Attribute(value=owner, attr="add_module" | "register_module"), args=[name, value]):
                path = _below(_path(initialiser, owner), _key(name))
            case ast.Call(func=ast.Attribute(value=owner, attr="append"), args=[value]):
                path = _below(_path(initialiser, owner) or None, "*")
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__"), args=args):
                for key, item in _contained("Sequential", args, []):
                    yield from built_calls(initialiser.settled, key, item)
                continue
            case _:
                continue
        if path:
            yield from built_calls(initialiser.settled, path, value)


def _path(initialiser: Initialiser, target: ast.expr) -> str | None:
    """The path that an expression names: "" for the object itself, "net" for ``self.net``; None if it is no path."""
    match target:
        case ast.Name(id=name) if name == initialiser.itself:
            return ""
        case ast.Attribute(value=owner, attr=attribute):
            return _below(_path(initialiser, owner), attribute)
        case ast.Subscript(value=owner, slice=key):
            return _below(_path(initialiser, owner) or None, _key(key))
    return None


def _below(path: str | None, name: str) -> str | None:
    return None if path is None else _joined(path, name)


def _joined(*names: str) -> str:
    return ".".join(name for name in names if name)


def _key(name: ast.expr) -> str:
    """A name, or a pattern for what a loop makes of it."""
    match name:
        case ast.Constant(value=value):
            return str(value)
        case ast.JoinedStr(values=parts):
            return "".join(_key(part) for part in parts)
    return "*"


def built_calls(settled: Mapping[str, ast.expr], path: str, value: ast.expr) -> Iterator[LayerCall]:
    """The calls that build the layer at `path`, and those in it, if it is a container.

    Args:
        settled: The values of variables that have one value only.
        path: Path of the layer.
        value: The expression that gives it.
    """
    match value:
        case ast.Name(id=name) if name in settled:
            yield from built_calls(settled, path, settled[name])
        case ast.Call(func=function, args=args, keywords=keywords):
            name = ast.unparse(function).rpartition(".")[2]
            if name in _CONTAINERS:
                for key, item in _contained(name, args, keywords):
                    yield from built_calls(settled, _joined(path, key), item)
            if name in _CLONING and args:
                yield from built_calls(settled, _joined(path, "layers.*"), args[0])
            if name not in _MAPPINGS:
                yield LayerCall(path, value)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            for key, item in _numbered(items):
                yield from built_calls(settled, _joined(path, key), item)
        case ast.Dict(keys=keys, values=items):
            for written, item in zip(keys, items, strict=True):
                if written is not None:
                    yield from built_calls(settled, _joined(path, _key(written)), item)
        case ast.ListComp(elt=item) | ast.GeneratorExp(elt=item) | ast.DictComp(value=item):
            yield from built_calls(settled, _joined(path, "*"), item)


def _contained(container: str, args: list[ast.expr], keywords: list[ast.keyword]) -> Iterator[tuple[str, ast.expr]]:
    """(key, value) of what a container is given; no key for a value that is itself all of its contents."""
    for keyword in keywords:
        if keyword.arg is not None and container in _MAPPINGS:
            yield keyword.arg, keyword.value
    match args:
        case [ast.Starred(value=whole)]:
            yield "", whole
        case [ast.List(elts=items)] if container in _MAPPINGS:
            for item in items:
                if isinstance(item, ast.Tuple) and len(item.elts) == 2:
                    yield _key(item.elts[0]), item.elts[1]
        case [ast.List(elts=items)] if container == "Sequential":
            yield from _numbered(items)
        case [whole] if container != "Sequential" or _is_mapping(whole):
            yield "", whole
        case _:
            yield from _numbered(args)


def _is_mapping(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in _MAPPINGS


def _numbered(items: Sequence[ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    """Items with their places, up to the first starred one, which hides how many it stands for."""
    for place, item in enumerate(items):
        if isinstance(item, ast.Starred):
            return
        yield str(place), item


def constructor_parameters(owner: type) -> list[inspect.Parameter]:
    """The named arguments of a class's constructor, in order.

    Where its `__init__` takes only ``*args``, those of its first overload, or else of the class that it inherits from.
    """
    for base in owner.__mro__[:-1]:
        if "__init__" not in vars(base):
            continue
        init = vars(base)["__init__"]
        parameters = list(inspect.signature((typing.get_overloads(init) or [init])[0]).parameters.values())[1:]
        named = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
        if named or not parameters:
            return named
    return []


def parameter_names(owner: type) -> list[str]:
    """The names of a class's constructor arguments, in order."""
    return [each.name for each in constructor_parameters(owner)]


def argument(call: ast.Call, name: str, names: Sequence[str]) -> ast.expr | None:
    """The expression that a call gives for an argument; None where it gives none that can be seen."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    place = names.index(name) if name in names else len(call.args)
    positional = call.args[: place + 1]
    if len(positional) <= place or any(isinstance(each, ast.Starred) for each in positional):
        return None
    return positional[place]


def arguments(call: ast.Call, names: Sequence[str]) -> Iterator[tuple[str, ast.expr]]:
    """(name, expression) of every argument of a call that can be seen."""
    for name in {*names, *(keyword.arg for keyword in call.keywords if keyword.arg)}:
        value = argument(call, name, names)
        if value is not None:
            yield name, value
