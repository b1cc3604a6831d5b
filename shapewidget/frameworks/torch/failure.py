"""What the frames of an exception still hold of the call that raised it."""

from __future__ import annotations

import ast
import contextlib
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils.data import DataLoader

from shapewidget.frameworks.adapter import Failure
from shapewidget.frameworks.source.frames import is_own, resolve
from shapewidget.frameworks.source.repeatable import value_of_name
from shapewidget.frameworks.source.slices import replay_of
from shapewidget.frameworks.torch.capacity import capacity_of, is_out_of_memory, out_of_memory
from shapewidget.frameworks.torch.checkpoints import refused_checkpoint
from shapewidget.frameworks.torch.harmless import HARMLESS, is_data
from shapewidget.frameworks.torch.in_scope import in_scope, values_of
from shapewidget.frameworks.torch.model_and_loss import inputs_of, is_own_model, model_and_loss
from shapewidget.frameworks.torch.program import Program
from shapewidget.frameworks.torch.reshaping import text_of
from shapewidget.frameworks.torch.tensors import device_of, flat, spec
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerGraph, LayerKind, Recording

_CALLS = {nn.Module._wrapped_call_impl.__code__, nn.Module._call_impl.__code__}


class _Place(NamedTuple):
    frame: FrameType
    instruction: int


def failure_of(error: BaseException) -> Failure | None:
    """The call of torch that an exception came from.

    The outermost model that was running is best: it can be probed again with the arguments that it was called with.
    Else the user's own lines are run again, as far back as the values are there, with the model in them, if there is
    just one, as the model and the rest as its loss.

    Returns:
        None where no call of torch was running.
    """
    places = list(_places(error))
    own = [place for place in places if is_own(place.frame.f_code.co_filename)]
    if not own:
        return None
    outer = next((index for index, place in enumerate(places) if place.frame.f_code in _CALLS), None)
    recording = _line_that_raised(own[-1], error)
    if outer is None and not _is_of_torch(places, own[-1]):
        return None
    loader = _loader(places, own)
    if loader is not None:
        return Failure(recording, loader=loader)
    if is_out_of_memory(error):
        return Failure(_layer_without_memory([place for place in places if place.frame.f_code in _CALLS], recording))
    called = places[outer].frame.f_locals if outer is not None else {}
    before = [place for place in own if outer is None or places.index(place) < outer]
    of_model = [functools.partial(_of_model, recording, called)] if called else []
    of_lines = [functools.partial(_of_lines, recording, place) for place in before]
    ways: list[Callable[[], Failure | None]]
    ways = [*of_model, *of_lines] if is_own_model(called.get("self")) else [*of_lines, *of_model]
    for way in ways:
        with contextlib.suppress(Exception):  # what cannot be run again is told by its shapes alone
            found = way()
            if found is not None:
                return found
    return Failure(recording)


def _places(error: BaseException) -> Iterator[_Place]:
    trace = error.__traceback__
    while trace is not None:
        yield _Place(trace.tb_frame, trace.tb_lasti)
        trace = trace.tb_next


def _is_of_torch(places: list[_Place], innermost: _Place) -> bool:
    """Whether torch raised: it was running, or the line that raised is about tensors."""
    is_running = any("torch" in place.frame.f_globals.get("__name__", "").split(".")[:1] for place in places)
    return is_running or any(is_data(value) or value is torch for value in _read(innermost).values())


def _read(place: _Place) -> Mapping[str, object]:
    """The values of the names in the expression that was running."""
    expression = resolve((place.frame.f_code, place.instruction)).expression
    names = {**place.frame.f_globals, **place.frame.f_locals}
    with contextlib.suppress(SyntaxError):
        tree = ast.parse(expression or "")
        dotted = [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)]
        found = {ast.unparse(node): value_of_name(node, names) for node in dotted}
        return {name: value for name, value in found.items() if value is not None}
    return {}


def _line_that_raised(place: _Place, error: BaseException) -> Recording:
    """The line as one node, with the tensors that it reads."""
    tensors = {name: value for name, value in _read(place).items() if isinstance(value, torch.Tensor)}
    name = place.frame.f_code.co_name
    node = Layer(
        "failed",
        LayerKind.OPERATION,
        "the line" if name.startswith("<") else name,
        name,
        inputs=tuple(map(spec, tensors.values())),
        source=resolve((place.frame.f_code, place.instruction)),
    )
    expression = (node.source.expression if node.source is not None else None) or ""
    text, called = text_of(error), re.fullmatch(r"([\w.]+)\.backward\(.*\)", expression)
    if called is not None and called[1] in tensors:
        node = replace(node, name="backward", type="backward", inputs=(spec(tensors[called[1]]),))
    clash, own = Clash(node.id, ClashKind.OTHER, error=text), refused_checkpoint(error)
    if is_out_of_memory(error):
        clash = replace(out_of_memory(error), layer_id=node.id)
    if own is not None:
        node = replace(node, name=own.name, type=own.name, inputs=tuple(map(spec, own.tensors)), settings=own.settings)
        clash = replace(own.clash, layer_id=node.id)
    return Recording(LayerGraph((node,), (), title=name), (clash,), stopped=text)


def _layer_without_memory(calls: list[_Place], recording: Recording) -> Recording:
    """The innermost layer that was running, by the path that the outermost knows it by; else the line."""
    if not calls:
        return recording
    model, called = calls[0].frame.f_locals["self"], calls[-1].frame.f_locals
    module, read = called["self"], flat((called.get("args", ()), called.get("kwargs", {})))
    path = next((path for path, each in model.named_modules() if each is module), "")
    type_, (line, *_) = type(module).__name__, recording.graph.layers
    node = replace(
        line, kind=LayerKind.LAYER, name=path.rpartition(".")[2] or type_, type=type_, path=path,
        inputs=tuple(map(spec, read)) or line.inputs,
    )  # fmt: skip
    clashes = tuple(replace(clash, expected=capacity_of(device_of(read))) for clash in recording.clashes)
    return replace(recording, graph=LayerGraph((node,), (), title=type(model).__name__), clashes=clashes)


def _loader(places: list[_Place], own: list[_Place]) -> DataLoader[Any] | None:
    """The loader that was being gone through, where the user's own line names it."""
    modules = [place.frame.f_globals.get("__name__", "") for place in places]
    if not any(name.startswith("torch.utils.data") for name in modules):
        return None
    found = [value for place in own for value in _read(place).values() if isinstance(value, DataLoader)]
    return found[0] if found else None


def _of_model(recording: Recording, called: Mapping[str, Any]) -> Failure | None:
    model = called["self"]
    inputs = inputs_of(model, tuple(called.get("args", ())), dict(called.get("kwargs", {})))
    return Failure(recording, model, inputs) if flat(inputs) else None


def _of_lines(recording: Recording, place: _Place) -> Failure | None:
    """The user's lines run again: one model and its loss, or all of it as a program."""
    replay = replay_of(place.frame, place.instruction, HARMLESS, is_data)
    if replay is None:
        return None
    program, inputs = Program.of(replay)
    others = values_of(place.frame)
    found = Failure(recording, program, inputs, is_program=True)
    with contextlib.suppress(Exception):
        apart = model_and_loss(replay)
        if apart is not None:
            found = Failure(recording, apart.model, apart.inputs, apart.targets, apart.loss)
    return replace(found, lines=program.knowing(others), values=inputs, others=tuple(in_scope(others)))
