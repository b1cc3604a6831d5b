"""Build a layer of a copy with another argument, in the way in which the user would mend it."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice

from torch import nn

from shapewidget.frameworks.adapter import Attempt, Constructor
from shapewidget.frameworks.source.arithmetic import atoms, value_of
from shapewidget.frameworks.source.calls import (
    argument,
    built_calls,
    constructor_parameters,
    parameter_names,
)
from shapewidget.frameworks.source.edits import adding_keyword
from shapewidget.frameworks.source.expressions import expressions
from shapewidget.frameworks.source.initialiser import Initialiser, assigned
from shapewidget.frameworks.source.scope import names_in_scope
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.frameworks.torch.constructor import find_constructor
from shapewidget.frameworks.torch.likeness import liken
from shapewidget.frameworks.torch.places import (
    Place,
    by_edited_class,
    constructors_of,
    edited_call,
    place_of,
    with_parts,
)
from shapewidget.frameworks.torch.program import Program
from shapewidget.frameworks.torch.rebuild import call_text
from shapewidget.frameworks.torch.recovery import layers, stored
from shapewidget.graph.remedies import SetArgument

_WORDINGS = 4
"""How many ways of writing a size are tried; the plain number is always the last that there is."""


def with_argument(model: nn.Module, constructor: Constructor | None, remedy: SetArgument) -> Attempt | None:
    """A copy of the model in which a layer was built with another argument.

    It is changed where it comes from: at the call of the constructor that hands it in, if nothing else needs it; else
    in the source of the class; and on the one layer alone, where there is no source to be seen.
    """
    if isinstance(model, Program):
        return _in_the_lines(model, remedy) or _of_the_models(model, remedy)
    place = place_of(model, remedy.path)
    ways: list[Callable[[], Attempt | None]] = [partial(_on_the_layer, model, remedy)]
    if place is not None:
        at_the_call = partial(_at_the_call, model, constructor, place, remedy)
        ways = [at_the_call, partial(_in_the_source, model, place, remedy), *ways]
    for way in ways:
        with contextlib.suppress(Exception):
            found = way()
            if found is not None and _is_done(found.model, remedy):
                return found
    return None


def _in_the_lines(model: Program, remedy: SetArgument) -> Attempt | None:
    """Edit the line of the user's that built the layer, where it stands in the text of the lines that ran."""
    made = _on_the_layer(model, remedy).model
    root, layer = remedy.path.partition(".")[0], model.get_submodule(remedy.path)
    for target, value in _assignments(model.replay.source):
        if not isinstance(target, ast.Name) or target.id != root:
            continue
        for built in built_calls({}, root, value):
            names = parameter_names(type(layer))
            old = argument(built.call, remedy.argument, names) if built.builds(remedy.path) else None
            if old is not None and value_of(old, {}) == stored(layer, remedy.argument):
                edit = model.replay.source.replacing(Span.of(old), repr(remedy.value))
                fix = " ".join(line.strip() for line in edit.after)
                return Attempt(made, fix, edit.diff(), model.replay.source.line(edit.first_line))
    return None


def _assignments(source: Source) -> list[tuple[ast.expr, ast.expr]]:
    return [pair for node in ast.walk(source.tree) for pair in assigned(node)]


def _of_the_models(model: Program, remedy: SetArgument) -> Attempt | None:
    """Change the model that the lines read, as a model of its own."""
    root, _, below = remedy.path.partition(".")
    child = model.get_submodule(root)
    made = with_argument(child, None, replace(remedy, path=below))
    if made is None:
        return None
    fix = made.fix if below or made.patch is not None else f"{root} = {made.fix}"
    return replace(made, model=with_parts(model, {child: made.model}), fix=re.sub(r"^model(?=[.\[])", root, fix))


def _is_done(made: nn.Module, remedy: SetArgument) -> bool:
    return stored(made.get_submodule(remedy.path), remedy.argument) in (None, remedy.value)


def _at_the_call(
    model: nn.Module, constructor: Constructor | None, place: Place, remedy: SetArgument
) -> Attempt | None:
    """Hand another value in, where the argument is handed through to this layer and to nothing else."""
    handed = place.expression(remedy.argument)
    if not isinstance(handed, ast.Name) or not _serves_only(place.initialiser, handed):
        return None
    if place.path:
        return with_argument(model, constructor, replace(remedy, path=place.path, argument=handed.id))
    if constructor is None or handed.id not in constructor.arguments:
        constructor = find_constructor(model)
    made = constructor.build(**{handed.id: remedy.value})
    liken(made, model, weights=True)
    return Attempt(made, call_text(type(model).__name__, {handed.id: remedy.value}), None)


def _serves_only(initialiser: Initialiser, handed: ast.Name) -> bool:
    """Whether a parameter of the constructor is read here alone; to keep it as an attribute does not count."""
    kept = [value for target, value in initialiser.assignments if initialiser.attribute(target)]
    reads = [node for node in ast.walk(initialiser.node) if isinstance(node, ast.Name) and node.id == handed.id]
    return handed.id in initialiser.parameters and all(node is handed or node in kept for node in reads)


def _in_the_source(model: nn.Module, place: Place, remedy: SetArgument) -> Attempt | None:
    """Edit the class, and build every module of that class anew by the edited constructor."""
    old = place.expression(remedy.argument)
    source, call = place.initialiser.source, place.made.call
    constructors = constructors_of(model, type(place.owner))
    names = names_in_scope(place.owner, layers, stored)
    preferred = atoms(old) if old is not None else ()
    for text in islice(expressions(remedy.value, remedy.dim, names, preferred), _WORDINGS):
        if old is not None:
            edit = source.replacing(Span.of(old), text)
        else:
            more = "".join(f", {name}={value!r}" for name, value in remedy.also)
            edit = adding_keyword(source, call, remedy.argument, text + more)
        with contextlib.suppress(Exception):
            made = by_edited_class(model, constructors, place.initialiser, edit)
            if _is_done(made, remedy):
                return Attempt(made, edited_call(place, edit), edit.diff(), source.line(edit.first_line))
    return None


def _on_the_layer(model: nn.Module, remedy: SetArgument) -> Attempt:
    """Replace the one layer by another of its class."""
    layer = model.get_submodule(remedy.path)
    constructor = find_constructor(layer)
    made = constructor.build(**{remedy.argument: remedy.value, **dict(remedy.also)})
    liken(made, layer, weights=True)
    text = written_call(type(layer), {**constructor.arguments, remedy.argument: remedy.value, **dict(remedy.also)})
    if not remedy.path:
        return Attempt(made, text, None)
    steps = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in remedy.path.split("."))
    return Attempt(with_parts(model, {layer: made}), f"model{steps} = {text}", None)


def written_call(owner: type, arguments: Mapping[str, object]) -> str:
    """A call as one writes it: what has no default in its place, of the rest what differs from the default."""
    name = f"nn.{owner.__name__}" if getattr(nn, owner.__name__, None) is owner else owner.__name__
    texts = []
    for parameter in constructor_parameters(owner):
        value = arguments.get(parameter.name)
        if parameter.default is parameter.empty:
            texts.append(repr(value))
        elif value != parameter.default:
            texts.append(f"{parameter.name}={value!r}")
    return f"{name}({', '.join(texts)})"
