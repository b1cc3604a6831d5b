"""One recorded run of a model and its loss."""

from __future__ import annotations

import contextlib
import gc
import inspect
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.guard import untouched
from shapewidget.frameworks.torch.layers import paths
from shapewidget.frameworks.torch.likeness import to_run
from shapewidget.frameworks.torch.recorder import Recorder
from shapewidget.frameworks.torch.signature import unwrapped
from shapewidget.frameworks.torch.tensors import flat
from shapewidget.graph.records import LayerKind, Recording


def record(model: nn.Module, batch: Batch, loss: Callable[..., Any] | None, *, repair: bool = True) -> Recording:
    """Run the model on the batch, and the loss on what it gives, and record both.

    The model is left as found.

    Args:
        model: Any module.
        batch: Its inputs, and the targets of the loss.
        loss: Called as ``loss(outputs, targets)``; None for none.
        repair: Fit the tensor where a layer refuses it, note the clash and carry on.
    """
    model = to_run(unwrapped(model))
    with _uncollected(), untouched(model) as held:
        inputs = flat((batch.args, dict(batch.kwargs), batch.targets))
        return _recorded(model, batch, loss, Recorder(paths(model), repair=repair, protected=[*held, *inputs]))


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Let the garbage collector wait: it would go through all of torch for small objects that are soon gone."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _recorded(model: nn.Module, batch: Batch, loss: Callable[..., Any] | None, recorder: Recorder) -> Recording:
    for name, value in _named_inputs(model, batch):
        _add_input(recorder, name, value)
    stopped, output = None, None
    started = time.perf_counter()
    with torch.no_grad(), recorder.recording():
        try:
            output = model(*batch.args, **batch.kwargs)
        except Exception as error:
            stopped = recorder.fail(error)
            recorder.add_unreached(model)
    seconds = time.perf_counter() - started
    if stopped is None:
        outputs = flat(output)
        if outputs:
            recorder.add(LayerKind.OUTPUT, "output", "output", "", id_="output", read=outputs)
        if loss is not None:
            stopped = _record_loss(recorder, loss, output, batch.targets)
    graph = recorder.graph(type(model).__name__)
    return Recording(graph, tuple(recorder.clashes), stopped=stopped, seconds=seconds)


def _record_loss(recorder: Recorder, loss: Callable[..., Any], output: Any, targets: Any) -> str | None:
    _add_input(recorder, "targets", targets)
    is_own = isinstance(loss, nn.Module) or (getattr(loss, "__module__", None) or "").startswith("torch.")
    name = getattr(loss, "__name__", type(loss).__name__)
    group = contextlib.nullcontext() if is_own else recorder.group("loss", "loss" if name == "<lambda>" else name)
    with torch.no_grad(), group, recorder.recording():
        try:
            loss(output, targets)
        except Exception as error:
            return recorder.fail(error)
    return None


def _add_input(recorder: Recorder, name: str, value: Any) -> None:
    tensors = flat(value)
    for place, tensor in enumerate(tensors):
        label = name if len(tensors) == 1 else f"{name}[{place}]"
        recorder.add(LayerKind.INPUT, label, "input", "", id_=label)
        recorder.gives(len(recorder.nodes) - 1, (tensor,))


def _named_inputs(model: nn.Module, batch: Batch) -> Iterator[tuple[str, Any]]:
    try:
        parameters = list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    for place, value in enumerate(batch.args):
        yield (plain[place] if place < len(plain) else f"input {place + 1}"), value
    yield from batch.kwargs.items()
