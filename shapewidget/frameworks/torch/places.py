"""Where the user's source builds a layer, and a model whose classes are built by an edited constructor."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import nn

from shapewidget.frameworks.source.calls import LayerCall, argument, layer_calls, parameter_names
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.initialiser import Initialiser
from shapewidget.frameworks.source.text import Span, recompiled
from shapewidget.frameworks.torch.constructor import find_constructor
from shapewidget.frameworks.torch.likeness import copied, liken
from shapewidget.frameworks.torch.rebuild import TorchConstructor
from shapewidget.graph.remedies import SourceEdit


@dataclass(frozen=True)
class Place:
    """Where the source builds a layer.

    Attributes:
        path: Path of the module whose constructor it is.
        owner: That module.
        initialiser: Its constructor.
        made: The call that builds the layer.
        layer: The layer.
    """

    path: str
    owner: nn.Module
    initialiser: Initialiser
    made: LayerCall
    layer: nn.Module

    def expression(self, name: str) -> ast.expr | None:
        """What the call gives for an argument; None where it leaves it at its default."""
        return argument(self.made.call, name, parameter_names(type(self.layer)))


def place_of(model: nn.Module, path: str) -> Place | None:
    """The innermost class of the user's whose source builds a layer."""
    parts = path.split(".")
    layer = model.get_submodule(path)
    for length in range(len(parts) - 1, -1, -1):
        owner_path, below = ".".join(parts[:length]), ".".join(parts[length:])
        owner = model.get_submodule(owner_path)
        initialiser = Initialiser.of(type(owner))
        if below and initialiser is not None and is_own(initialiser.source.filename):
            calls = (each for each in layer_calls(initialiser) if each.builds(below))
            made = next((each for each in calls if initialiser.calls_class(each.call, type(layer))), None)
            if made is not None:
                return Place(owner_path, owner, initialiser, made, layer)
    return None


def constructors_of(model: nn.Module, owner: type) -> dict[nn.Module, TorchConstructor]:
    """How to build every module of a class anew."""
    return {module: find_constructor(module) for module in model.modules() if type(module) is owner}


def by_edited_class(
    model: nn.Module, constructors: Mapping[nn.Module, TorchConstructor], initialiser: Initialiser, edit: SourceEdit
) -> nn.Module:
    """A copy in which the modules of the class, all with a constructor, are built by the edited one."""
    edited = recompiled(initialiser.function, initialiser.source, initialiser.source.edited(edit))
    owner = type(next(iter(constructors)))

    def make(**arguments: object) -> nn.Module:
        made: nn.Module = owner.__new__(owner)
        edited(made, **arguments)
        return made

    parts = {}
    for module, constructor in constructors.items():
        parts[module] = replace(constructor, recipe=replace(constructor.recipe, make=make)).build()
        liken(parts[module], module, weights=True)
    return parts[model] if model in parts else with_parts(model, parts)


def with_parts(model: nn.Module, parts: Mapping[nn.Module, nn.Module]) -> nn.Module:
    """A copy of the model with other modules in the places of some, wherever they stand."""
    whole = copied(model)
    for path, module in model.named_modules(remove_duplicate=False):
        if module in parts:
            whole.set_submodule(path, parts[module])
    return whole


def edited_call(place: Place, edit: SourceEdit, function: str | None = None) -> str:
    """The edited call, on one line, with what it is assigned to; of another function where that is what was edited."""
    edited = place.initialiser.source.edited(edit)
    call = place.made.call
    same = (
        node
        for node in ast.walk(edited.tree)
        if isinstance(node, ast.Call) and Span.of(node).start == Span.of(call).start
    )
    node = next(node for node in same if ast.unparse(node.func) == (function or ast.unparse(call.func)))
    text = " ".join(edited.text(Span.of(node)).split())
    is_attribute = place.made.path.isidentifier()
    return f"{place.initialiser.itself}.{place.made.path} = {text}" if is_attribute else text
