"""One recorded run of a model and its loss."""

from __future__ import annotations

import contextlib
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from shapewidget.errors import TimeLimitError
from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.collector import uncollected
from shapewidget.frameworks.time_limit import limited
from shapewidget.frameworks.torch.guard import untouched
from shapewidget.frameworks.torch.layers import paths
from shapewidget.frameworks.torch.likeness import to_run
from shapewidget.frameworks.torch.recorder import Recorder
from shapewidget.frameworks.torch.signature import unwrapped
from shapewidget.frameworks.torch.tensors import flat
from shapewidget.graph.records import LayerKind, Recording

MOST_NODES = 50_000
"""How much of a run is recorded; the rest runs unrecorded."""

SHOWN_OF_A_LOOP = 2_000
"""How much is shown of a run that came to no end."""


def record(
    model: nn.Module,
    batch: Batch,
    loss: Callable[..., Any] | None,
    *,
    repair: bool = True,
    time_limit: float | None = None,
) -> Recording:
    """Run the model on the batch, and the loss on what it gives, and record both.

    The model is left as found. No gradients are kept, unless the program itself asks for some as it runs.

    Args:
        model: Any module.
        batch: Its inputs, and the targets of the loss.
        loss: Called as ``loss(outputs, targets)``; None for none.
        repair: Fit the tensor where a layer refuses it, note the clash and carry on.
        time_limit: Seconds after which the run is ended; None for no end.
    """
    with uncollected():  # until all but the recording is gone
        model = to_run(unwrapped(model))
        recording, lacks_gradients = _untouched(model, batch, loss, repair, time_limit, gradients=False)
        if lacks_gradients:
            recording, _ = _untouched(model, batch, loss, repair, time_limit, gradients=True)
        return recording


def _untouched(
    model: nn.Module,
    batch: Batch,
    loss: Callable[..., Any] | None,
    repair: bool,
    time_limit: float | None,
    *,
    gradients: bool,
) -> tuple[Recording, bool]:
    """The recording, and whether the program asked for gradients that were not kept."""
    inputs = flat((batch.args, dict(batch.kwargs), batch.targets))
    with untouched(model) as held, torch.set_grad_enabled(gradients), _own_gradients(inputs):
        recorder = Recorder(paths(model), repair=repair, most_nodes=MOST_NODES, protected=[*held, *inputs])
        return _recorded(model, batch, loss, recorder, time_limit), recorder.lacks_gradients


@contextlib.contextmanager
def _own_gradients(tensors: Sequence[torch.Tensor]) -> Iterator[None]:
    """Give tensors back the gradients that they had."""
    before = [(tensor, tensor.grad) for tensor in tensors if tensor.is_leaf]
    try:
        yield
    finally:
        for tensor, gradient in before:
            tensor.grad = gradient


def _recorded(
    model: nn.Module,
    batch: Batch,
    loss: Callable[..., Any] | None,
    recorder: Recorder,
    time_limit: float | None,
) -> Recording:
    add_inputs(recorder, model, batch)
    started = time.perf_counter()
    output, error = _ran(recorder, lambda: model(*batch.args, **batch.kwargs), time_limit)
    seconds = time.perf_counter() - started
    if error is None:
        outputs = flat(output)
        if outputs:
            recorder.add(LayerKind.OUTPUT, "output", "output", "", id_="output", read=outputs)
        if loss is not None:
            error = _of_loss(recorder, loss, output, batch.targets, time_limit)
    elif not isinstance(error, TimeLimitError):
        recorder.add_unreached(model)
    is_late = isinstance(error, TimeLimitError)
    if is_late:
        del recorder.nodes[SHOWN_OF_A_LOOP:]
    stopped = recorder.fail(error) if error is not None else None
    graph = recorder.graph(type(model).__name__)
    return Recording(graph, tuple(recorder.clashes), stopped=stopped, seconds=seconds, out_of_time=is_late)


def add_inputs(recorder: Recorder, model: nn.Module, batch: Batch) -> None:
    """A node for every tensor that the model is given."""
    for name, value in _named_inputs(model, batch):
        _add_input(recorder, name, value)


def _ran(recorder: Recorder, call: Callable[[], Any], time_limit: float | None) -> tuple[Any, BaseException | None]:
    """What the call gives, and what it raised. An interrupt goes on its way; `exit()` is no reason to end a kernel."""
    with recorder.recording():
        try:
            with limited(time_limit):
                return call(), None
        except (Exception, SystemExit) as error:
            return None, error


def _of_loss(
    recorder: Recorder, loss: Callable[..., Any], output: Any, targets: Any, time_limit: float | None
) -> BaseException | None:
    _add_input(recorder, "targets", targets)
    is_own = isinstance(loss, nn.Module) or (getattr(loss, "__module__", None) or "").startswith("torch.")
    name = getattr(loss, "__name__", type(loss).__name__)
    group = contextlib.nullcontext() if is_own else recorder.group("loss", "loss" if name == "<lambda>" else name)
    with group:
        return _ran(recorder, lambda: loss(output, targets), time_limit)[1]


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
