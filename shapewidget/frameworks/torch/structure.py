"""Copies of a model with other layers: one of another class, one more in a sequence, one more in a constructor."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from typing import Any

from torch import nn

from shapewidget.frameworks.adapter import Attempt
from shapewidget.frameworks.source.expressions import expressions
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.initialiser import Initialiser
from shapewidget.frameworks.source.scope import names_in_scope
from shapewidget.frameworks.source.text import Span
from shapewidget.frameworks.torch.constructor import find_constructor
from shapewidget.frameworks.torch.likeness import liken
from shapewidget.frameworks.torch.places import by_edited_class, constructors_of, edited_call, place_of, with_parts
from shapewidget.frameworks.torch.recovery import layers, stored
from shapewidget.graph.remedies import AddLayer, InsertLayer, ReplaceLayer, SourceEdit, TakeFirst

_WORDINGS = 3


def with_class(model: nn.Module, remedy: ReplaceLayer) -> Attempt | None:
    """A copy in which a layer is one of another class, built with the same arguments."""
    place, layer = place_of(model, remedy.path), model.get_submodule(remedy.path)
    if place is not None:
        source, call = place.initialiser.source, place.made.call
        function = f"{ast.unparse(call.func).rpartition('.')[0]}.{remedy.type}".lstrip(".")
        edit = source.replacing(Span.of(call.func), function)
        made = by_edited_class(model, constructors_of(model, type(place.owner)), place.initialiser, edit)
        return Attempt(made, edited_call(place, edit, function), edit.diff(), source.line(edit.first_line))
    constructor = find_constructor(layer)
    arguments = {name: value for name, value in constructor.arguments.items() if value is not None}
    new = getattr(nn, remedy.type)(**arguments)
    liken(new, layer, weights=True)
    return Attempt(with_parts(model, {layer: new}), f"{_dotted(remedy.path)} = {new!r}", None)


def with_layer_before(model: nn.Module, remedy: InsertLayer) -> Attempt | None:
    """A copy in which a sequence has one more layer."""
    parent, _, key = remedy.path.rpartition(".")
    sequence = model.get_submodule(parent)
    if not isinstance(sequence, nn.Sequential):
        return None
    place = place_of(model, remedy.path)
    if place is not None and "*" not in place.made.path:
        source, call = place.initialiser.source, place.made.call
        namespace = ast.unparse(call.func).rpartition(".")[0]
        text = f"{namespace}.{remedy.type}()".lstrip(".")
        start = Span.of(call).start
        edit = source.replacing(Span(*start, *start), f"{text}, ")
        made = by_edited_class(model, constructors_of(model, type(place.owner)), place.initialiser, edit)
        return Attempt(made, f"{text} before `{remedy.path}`", edit.diff(), source.line(edit.first_line))
    made, where = _inserted(model, parent, key, getattr(nn, remedy.type)())
    return Attempt(made, f"{_dotted(parent)}.insert({where}, nn.{remedy.type}())", None)


def with_first_taken(model: nn.Module, remedy: TakeFirst) -> Attempt | None:
    """A copy in which a sequence hands on the first of several tensors."""
    parent, _, key = remedy.path.rpartition(".")
    if not isinstance(model.get_submodule(parent), nn.Sequential):
        return None
    made, where = _inserted(model, parent, key, _First())
    return Attempt(
        made,
        f"class First(nn.Module): forward = lambda self, outputs: outputs[0], and {_dotted(parent)}.insert({where}, "
        "First())",
        None,
    )


class _First(nn.Module):
    """Hands on the first of several."""

    def forward(self, given: Any) -> Any:
        """As a line of the user's would."""
        return given[0]


def _inserted(model: nn.Module, parent: str, key: str, layer: nn.Module) -> tuple[nn.Module, int]:
    """A copy with a layer more before one of a sequence, and the place of the new one."""
    sequence = model.get_submodule(parent)
    children = list(sequence.named_children())
    where = next(index for index, (name, _) in enumerate(children) if name == key)
    parts = [child for _, child in children]
    longer = nn.Sequential(*parts[:where], layer, *parts[where:])
    longer.train(sequence.training)
    return with_parts(model, {sequence: longer}) if parent else longer, where


def with_new_layer(model: nn.Module, remedy: AddLayer) -> Attempt | None:
    """A copy in whose modules of one class a layer more is built."""
    owner = model.get_submodule(remedy.path)
    initialiser = Initialiser.of(type(owner))
    if initialiser is None or not is_own(initialiser.source.filename) or hasattr(owner, remedy.attribute):
        return None
    constructors = constructors_of(model, type(owner))
    names = names_in_scope(owner, layers, stored)
    call = next(itertools.islice(_calls(remedy, names), remedy.wording, None), None)
    if call is None:
        return None
    line = f"{initialiser.itself}.{remedy.attribute} = nn.{remedy.name}({call})"
    edit = _appended(initialiser, line)
    made = by_edited_class(model, constructors, initialiser, edit)
    return Attempt(made, line, edit.diff(), initialiser.source.line(edit.first_line))


def _calls(remedy: AddLayer, names: dict[str, object]) -> Iterator[str]:
    """The arguments of the new layer, written by the names that the constructor has; plain numbers are the last."""
    texts = [(*itertools.islice(expressions(size, dim, names), _WORDINGS), repr(size)) for size, dim in remedy.sizes]
    for sizes in itertools.product(*(dict.fromkeys(each) for each in texts)):
        options = (
            f"{name}={name if names.get(name) == value else repr(value)}" if name != "kernel_size" else repr(value)
            for name, value in remedy.options
        )
        yield ", ".join((*sizes, *options))


def _appended(initialiser: Initialiser, line: str) -> SourceEdit:
    """The edit that adds a line to the end of a constructor."""
    last = initialiser.node.body[-1]
    end = Span.of(last).end
    is_one_line = last.lineno == initialiser.node.lineno
    gap = "; " if is_one_line else "\n" + " " * initialiser.node.body[0].col_offset
    return initialiser.source.replacing(Span(*end, *end), gap + line)


def _dotted(path: str) -> str:
    return "model" + re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", f".{path}" if path else "")
