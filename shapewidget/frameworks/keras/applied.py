"""What a remedy changes about layers, losses and calls, and how the user's source reads with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import keras
from keras.src.metrics.reduction_metrics import MeanMetricWrapper

from shapewidget.frameworks.keras.call_edits import handed_otherwise, targets_in_order
from shapewidget.frameworks.keras.edited_source import edited_together
from shapewidget.frameworks.keras.guard import config_of
from shapewidget.frameworks.keras.layers import is_keras_own
from shapewidget.frameworks.keras.losses import as_compiled, name_of
from shapewidget.frameworks.keras.naming import is_automatic
from shapewidget.frameworks.keras.own_weights import made_for_input
from shapewidget.frameworks.keras.padding_masks import padding_of
from shapewidget.frameworks.keras.remaking import Change, Make, again, with_methods
from shapewidget.frameworks.keras.sites import Site, handing_masks_on
from shapewidget.frameworks.keras.steps import said, taken
from shapewidget.frameworks.source.edits import adding_keyword
from shapewidget.frameworks.source.mending import changed, changed_methods
from shapewidget.frameworks.source.text import recompiled
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import (
    AdaptCall,
    EditExpression,
    ExchangeTargets,
    FitWeight,
    HandOver,
    InsertLayer,
    KeepMask,
    Remedy,
    ReplaceLayer,
    ReplaceLoss,
    SetArgument,
    SourceEdit,
    Together,
)


@dataclass(frozen=True)
class Applied:
    """A remedy, ready to be run.

    Attributes:
        change: What is made otherwise.
        fix: One line of code.
        edit: The edit of the user's source; None where the place is not known.
        line: The line that the edit changes.
        others: The edits of other lines that belong to it.
    """

    change: Change
    fix: str
    edit: SourceEdit | None = None
    line: SourceLine | None = None
    others: tuple[SourceEdit, ...] = ()

    @property
    def patch(self) -> str | None:
        """The edits as a unified diff; None where one of the places is not known."""
        return "".join(edit.diff() for edit in (self.edit, *self.others)) if self.edit is not None else None


@dataclass(frozen=True)
class Program:
    """What a remedy is applied to.

    Attributes:
        layers: The layers by their path.
        site: Where a layer or loss is made; None where that is not known.
        alike: All layers that one call in the source has made, a layer among them.
        losses: The losses and metrics that are called.
        call: The user's call that hands data to a model or a loss; None where that is not known.
        is_dataset: Whether what a model is fitted with is a `tf.data.Dataset`.
    """

    layers: Mapping[str, Any]
    site: Callable[[Any], Site | None]
    alike: Callable[[Any], Sequence[Any]]
    losses: Sequence[Any] = ()
    call: Site | None = None
    is_dataset: bool = False


def applied(remedy: Remedy, program: Program) -> Applied | None:
    """The remedy on a program; None where it cannot be applied to it."""
    match remedy:
        case SetArgument(path=path) if path in program.layers:
            return _argument(remedy, program, program.layers[path])
        case InsertLayer(path=path) if path in program.layers:
            return _inserted(remedy, program, program.layers[path])
        case ReplaceLayer(path=path) if path in program.layers:
            return _replaced(remedy, program, program.layers[path])
        case KeepMask(path=path) if path in program.layers:
            return _masking(program, program.layers[path])
        case ReplaceLoss():
            return _other_loss(remedy, program)
        case ExchangeTargets():
            return _exchanged(remedy, program)
        case AdaptCall():
            return _adapted(remedy, program)
        case HandOver(path=path) if path in program.layers and {remedy.through, remedy.masked_by} <= {
            "",
            *program.layers,
        }:
            return _handed_over(remedy, program, program.layers[path])
        case FitWeight(path=path) if path in program.layers:
            edit = made_for_input(type(program.layers[path]), remedy.weight, remedy.axis)
            return _expressions([edit]) if edit is not None else None
        case EditExpression():
            return _expressions([remedy])
        case Together(parts=parts):
            edits = [part for part in parts if isinstance(part, EditExpression)]
            others = [applied(part, program) for part in parts if not isinstance(part, EditExpression)]
            return _all([*others, _expressions(edits)] if edits else others)
    return None


def _argument(remedy: SetArgument, program: Program, layer: Any) -> Applied:
    name, value = remedy.argument, remedy.value
    owner: Any = type(layer)
    make = partial(again, **{name: value})
    if isinstance(layer, keras.layers.InputLayer) and isinstance(value, tuple):
        owner, make = keras.Input, partial(again, batch_shape=(layer.batch_shape[0], *value))
    site = program.site(layer)
    edit = site.with_argument(owner, name, value) if site is not None else None
    fix = _line(edit) or _made_with(layer, f"{name}={value!r}")
    return Applied(Change(instead={id(each): make for each in program.alike(layer)}), fix, *_edited(site, edit))


def _made_with(layer: Any, argument: str) -> str:
    """The call that makes a layer, where the user's own was not seen."""
    if not isinstance(layer, keras.layers.InputLayer):
        return f"{type(layer).__name__}(..., {argument}, name={layer.name!r})"
    return f"keras.Input({argument})" if is_automatic(layer) else f"keras.Input({argument}, name={layer.name!r})"


def _inserted(remedy: InsertLayer, program: Program, layer: Any) -> Applied:
    owner = getattr(keras.layers, remedy.type)

    def make(_: Make) -> Any:
        return owner(**remedy.arguments, name=f"before_{layer.name}")  # no automatic name: those count on

    site = program.site(layer)
    text = f"{site.prefix(remedy.type) if site else 'layers.' + remedy.type}({_written(remedy.arguments)})"
    edit = site.with_layer_before(text, remedy.place) if site is not None else None
    fix = _line(edit) or f"{text} before `{layer.name}`"
    return Applied(
        Change(before={id(each): (remedy.place, make) for each in program.alike(layer)}), fix, *_edited(site, edit)
    )


def _replaced(remedy: ReplaceLayer, program: Program, layer: Any) -> Applied:
    owner = getattr(keras.layers, remedy.type)
    site = program.site(layer)
    name = site.prefix(remedy.type) if site else f"layers.{remedy.type}"
    given = dict(remedy.arguments)
    if site is None or any(keyword.arg == "name" for keyword in site.call.keywords):
        given["name"] = layer.name
    text = f"{name}({_written(given)})"
    edit = site.replaced(text) if site is not None else None

    def make(old: Any) -> Any:
        return owner(**remedy.arguments, name=old.name)

    return Applied(
        Change(instead={id(each): make for each in program.alike(layer)}), _line(edit) or text, *_edited(site, edit)
    )


def _masking(program: Program, layer: Any) -> Applied:
    change = Change(masking=frozenset(id(each) for each in program.alike(layer)))
    if isinstance(layer, keras.layers.Lambda):
        site = program.site(layer)
        edit = adding_keyword(site.source, site.call, "mask", "lambda inputs, mask: mask") if site is not None else None
        return Applied(change, _line(edit) or "Lambda(..., mask=lambda inputs, mask: mask)", *_edited(site, edit))
    if is_keras_own(layer):
        return Applied(change, f"{layer.name}.supports_masking = True")
    found = handing_masks_on(type(layer))
    fix = f"self.supports_masking = True in {type(layer).__name__}.__init__"
    return Applied(change, fix, found[1], found[0].line(found[1].first_line)) if found else Applied(change, fix)


def _handed_over(remedy: HandOver, program: Program, layer: Any) -> Applied:
    through, embedding = program.layers.get(remedy.through), program.layers.get(remedy.masked_by)

    def make(remade: Make) -> Any:
        return (lambda value: taken(remedy.steps, value)) if through is None else remade(through)

    def mask(remade: Make, given: Any) -> Any:
        return padding_of(given, remade(embedding), remedy.window)

    change = Change(before={id(layer): (remedy.place, make)})
    if embedding is not None:
        change = Change(masks={id(layer): mask})
    made = edited_together([remedy.edit]) if remedy.edit is not None else None
    if made is None:
        step = f"`{through.name}`" if through is not None else said(remedy.steps, "x")
        ids = f"layers.Reshape((-1, {remedy.window}))(ids != 0)" if remedy.window > 1 else "ids != 0"
        shown = f"ops.any({ids}, -1)" if remedy.window > 1 else ids
        fix = f"{layer.name}(x, mask={shown})" if embedding is not None else f"{step} before `{layer.name}`"
        return Applied(change, fix)
    return Applied(change, made.fix, made.edits[0], remedy.edit.source if remedy.edit is not None else None)


def _other_loss(remedy: ReplaceLoss, program: Program) -> Applied | None:
    def other(loss: Any) -> Any:
        if name_of(loss) != remedy.name:
            return loss
        namespace = keras.metrics if isinstance(loss, keras.metrics.Metric) else keras.losses
        made = getattr(namespace, remedy.replacement)
        given = dict(remedy.arguments)
        return made(**_kept(loss, made), **given) if isinstance(made, type) else as_compiled(made)

    found = next((loss for loss in program.losses if name_of(loss) == remedy.name), None)
    if found is None:
        return None
    is_named = remedy.replacement.islower()
    namespace = keras.metrics if isinstance(found, keras.metrics.Metric) else keras.losses
    given = {} if is_named else _kept(found, getattr(namespace, remedy.replacement)) | dict(remedy.arguments)
    text = repr(remedy.replacement) if is_named else f"{remedy.replacement}({_written(given)})"
    site = program.site(found)
    edit = site.with_other_loss(remedy.name, remedy.replacement, text) if site is not None else None
    return Applied(Change(loss=other), _line(edit) or text, *_edited(site, edit))


def _exchanged(remedy: ExchangeTargets, program: Program) -> Applied | None:
    """Targets of two losses exchanged, where each name is that of one."""
    losses = list({id(loss): loss for loss in program.losses if not isinstance(loss, keras.metrics.Metric)}.values())
    names = [name_of(loss) for loss in losses]
    if names.count(remedy.one) != 1 or names.count(remedy.other) != 1:
        return None
    places = names.index(remedy.one), names.index(remedy.other)
    one, other = (losses[place] for place in places)
    order = list(range(len(losses)))
    order[places[0]], order[places[1]] = places[1], places[0]
    edit = targets_in_order(program.call, order) if program.call is not None and not program.is_dataset else None
    fix = _line(edit) or f"targets in the order [{', '.join(f'y[{place}]' for place in order)}]"
    return Applied(Change(exchanged={id(one): other, id(other): one}), fix, *_edited(program.call, edit))


def _kept(loss: Any, made: Any) -> dict[str, object]:
    """What a loss or metric of another class is given as this one was."""
    config, parameters = config_of(loss), inspect.signature(made).parameters
    kept = {"from_logits": True} if config.get("from_logits") else {}
    return kept | {
        name: config[name] for name in ("num_classes", "target_class_ids") if name in {*config} & {*parameters}
    }


def _expressions(remedies: Sequence[EditExpression]) -> Applied | None:
    """Edits of one file, all at once: of a function that is compiled again the source is known no more."""
    made = edited_together(remedies)
    if made is None:
        return None
    source, edited, lines = made.source, made.edited, [remedy.source for remedy in remedies]

    def mended(function: FunctionType) -> FunctionType:
        return recompiled(function, source, edited)

    def loss(old: Any) -> Any:
        if type(old) is MeanMetricWrapper and isinstance(old._fn, FunctionType | MethodType):
            return MeanMetricWrapper(function(old._fn), old.name, old.dtype, **old._fn_kwargs)
        made = object.__new__(type(old))
        vars(made).update(vars(old))
        if isinstance(vars(old).get("fn"), FunctionType | MethodType):
            made.fn = function(old.fn)
        elif "fn" in vars(old) and (own := methods(type(old.fn))):
            made.fn = copy(old.fn)
            made.fn.__class__ = type(type(old.fn).__name__, (type(old.fn),), dict(own))
        return with_methods(made, changed_methods(type(old), lines, mended))

    def function(old: FunctionType | MethodType) -> FunctionType | MethodType:
        if isinstance(old, MethodType):
            return MethodType(function(old.__func__), old.__self__) if isinstance(old.__func__, FunctionType) else old
        return changed(old, lines, mended) or old

    def methods(owner: type) -> dict[str, FunctionType]:
        return changed_methods(owner, lines, mended)

    change = Change(methods=methods, loss=loss, function=function)
    return Applied(change, made.fix, made.edits[0], lines[0], made.edits[1:])


def _adapted(remedy: AdaptCall, program: Program) -> Applied:
    def adapt(targets: Any, outputs: Any, weights: Any) -> tuple[Any, Any, Any]:
        given = ((remedy.targets, targets), (remedy.outputs, outputs), (remedy.weights, weights))
        new = [value if value is None else taken(steps, value) for steps, value in given]
        return new[0], new[1], new[2]

    def inputs(values: Any) -> Any:
        places = iter(range(10**6))
        return keras.tree.map_structure(
            lambda value: taken(remedy.inputs, value) if next(places) == remedy.place else value, values
        )

    change = Change(adapt=adapt, adapts_outputs=bool(remedy.outputs))
    site = program.call
    edit = handed_otherwise(site, remedy, is_dataset=program.is_dataset) if site is not None else None
    fix = _line(edit) or _call(remedy)
    return Applied(replace(change, inputs=inputs) if remedy.inputs else change, fix, *_edited(site, edit))


def _call(remedy: AdaptCall) -> str:
    if remedy.inputs:
        return f"model({said(remedy.inputs, remedy.name)})"
    if remedy.weights:
        return f"sample_weight={said(remedy.weights, 'sample_weight')}"
    return f"loss({said(remedy.targets, 'targets')}, {said(remedy.outputs, 'outputs')})"


def _all(parts: Sequence[Applied | None]) -> Applied | None:
    found = [part for part in parts if part is not None]
    if len(found) < len(parts) or not found:
        return None
    change = found[0].change
    for part in found[1:]:
        change = replace(
            change,
            instead=change.instead | part.change.instead,
            before=change.before | part.change.before,
            masking=change.masking | part.change.masking,
            masks=change.masks | part.change.masks,
            exchanged=change.exchanged | part.change.exchanged,
            loss=_after(change.loss, part.change.loss),
            adapt=part.change.adapt if change.adapt is Change().adapt else change.adapt,
            adapts_outputs=change.adapts_outputs or part.change.adapts_outputs,
            function=_after(change.function, part.change.function),
            methods=part.change.methods if change.methods is Change().methods else change.methods,
        )
    edits = [part.edit for part in found if part.edit is not None]
    fix = "; ".join(part.fix for part in found)
    if len(edits) < len(found) or len({edit.first_line for edit in edits}) < len(edits):
        return Applied(change, fix)
    return Applied(change, fix, edits[0], found[0].line, tuple(edits[1:]))


def _after(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: second(first(value))


def _edited(site: Site | None, edit: SourceEdit | None) -> tuple[SourceEdit | None, SourceLine | None]:
    return edit, site.source.line(edit.first_line) if site is not None and edit is not None else None


def _line(edit: SourceEdit | None) -> str:
    return edit.line if edit is not None else ""


def _written(arguments: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())
