"""What a forward pass and a training step cost, measured on a copy of the model.

The order is one of growing need, so that what was measured stands where memory ends: forward pass, then training step;
of each a first call that also warms up, its peak, its time. It goes in slices of one call each, so that whoever drives
it can do something else in between, or end it there.
"""

from __future__ import annotations

import gc
import io
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, redirect_stdout
from typing import Any

import torch
from torch import nn

from shapewidget.errors import ShapeWidgetError
from shapewidget.frameworks.adapter import Batch, Effort
from shapewidget.frameworks.slices import guarded
from shapewidget.frameworks.torch import flops
from shapewidget.frameworks.torch.capacity import shortage
from shapewidget.frameworks.torch.guard import same_random_state
from shapewidget.frameworks.torch.layer_costs import LayerWatch
from shapewidget.frameworks.torch.memory import measured, most_reserved, nbytes
from shapewidget.frameworks.torch.tensors import leaves
from shapewidget.frameworks.torch.timing import timed
from shapewidget.frameworks.torch.training import Loss, MakeOptimizer, Step, TrainingRun, device_of, in_words
from shapewidget.graph.costs import LayerCost, Measurement, Memory, StepParts, Timeline, Timing

_ADVICE_ON_STEP = "It is called as step(model, inputs, targets, optimizer), inputs as they were given. Check `step=`."

MOST_LAYER_PASSES = 5
"""How often at most forward passes are watched layer by layer."""


def measure(
    model: nn.Module,
    batch: Batch,
    *,
    loss: Callable[..., Any] | None,
    optimizer: Callable[..., Any] | None,
    sizes: Mapping[str, int],
    effort: Effort,
    training: bool = True,
    step: Callable[..., Any] | None = None,
) -> Generator[None, None, Measurement]:
    """Time and memory of a forward pass and of a training step, one call of the model a slice.

    Args:
        model: Copied; left as found, as are the random number generators. What it prints is not shown.
        batch: The inputs and targets, at `sizes`.
        loss: Called as ``loss(outputs, targets)``; None for the mean of the floating-point outputs.
        optimizer: Makes the optimiser from the trainable weights; None for Adam.
        sizes: The named sizes, passed on.
        effort: How long to repeat, and whether to look at the layers too.
        training: Whether to make training steps.
        step: Makes a training step, called as ``step(model, inputs, targets, optimizer)``; None for a plain one.

    Returns:
        What could be measured. What could not is None, and `refusal` says why.
    """
    measuring = _Measuring(sizes, effort)
    slices = measuring.slices(model, batch, loss, optimizer, step, training)
    yield from guarded(slices, _apart, measuring.refuse)
    del slices
    if not measuring.fits:
        _release()
    return measuring.measurement()


def _apart() -> ExitStack:
    """Where one slice runs: with gradients, quietly, and with random numbers that nobody misses."""
    stack = ExitStack()
    for context in (same_random_state(), torch.inference_mode(False), torch.enable_grad()):
        stack.enter_context(context)
    stack.enter_context(redirect_stdout(io.StringIO()))
    return stack


class _Measuring:
    """One measurement in the making."""

    def __init__(self, sizes: Mapping[str, int], effort: Effort) -> None:
        self.sizes = dict(sizes)
        self.effort = effort
        self.device = torch.device("cpu")
        self.forward: Timing | None = None
        self.step: Timing | None = None
        self.memory: Memory | None = None
        self.layers: Mapping[str, LayerCost] = {}
        self.flops: int | None = None
        self.parts: StepParts | None = None
        self.forward_timeline: Timeline = ()
        self.step_timeline: Timeline = ()
        self.advice = self.refusal = ""
        self.fits = True

    def slices(
        self,
        model: nn.Module,
        batch: Batch,
        loss: Loss | None,
        optimizer: MakeOptimizer | None,
        step: Step | None,
        training: bool,
    ) -> Generator[None, None, None]:
        self.device = device_of(model, batch)
        self.advice = _advice(loss, batch) if step is None else _ADVICE_ON_STEP
        run = TrainingRun(model, batch, loss, optimizer, self.device, step)
        outputs = nbytes(leaves(run.forward()))
        yield
        peak, self.forward_timeline = measured(run.forward, self.device)
        self.memory = _forward_memory(run, outputs, peak)
        yield
        if self.effort.seconds:
            self.forward = yield from timed(run.forward, self.device, self.effort.seconds)
        watch = run.watch()
        if self.effort.layer_seconds:
            yield from _watched(run, watch, self.effort.layer_seconds)
            self.layers = watch.costs()
        if self.effort.counts_operations and not training:
            self.flops = flops.counted(run.forward)
        if training:
            yield
            yield from self._train(run, watch)

    def _train(self, run: TrainingRun, watch: LayerWatch) -> Generator[None, None, None]:
        assert self.memory is not None
        kept = run.start_training(watch)
        if self.effort.layer_seconds is not None:
            self.layers = watch.costs()
        yield
        peak, self.step_timeline = measured(run.step, self.device)
        self.memory = _training_memory(run, kept, peak, self.memory.forward_peak)
        yield
        if self.effort.seconds:
            clock = run.clock()
            with clock.watching():
                self.step = yield from timed(lambda: clock.clocked(run.step), self.device, self.effort.seconds)
            self.parts = clock.parts()
        if self.effort.counts_operations:
            yield
            self.flops = flops.counted(run.step)

    def refuse(self, error: Exception) -> None:
        lack = shortage(error, self.device)
        if lack:
            self.fits, self.memory, self.refusal = False, None, lack
        elif isinstance(error, ShapeWidgetError):
            self.refusal = str(error)
        elif self.memory is None:
            self.refusal = f"The model raised {in_words(error)}. Probe it to see where it breaks."
        else:
            self.refusal = f"The training step raised {in_words(error)}. {self.advice}"

    def measurement(self) -> Measurement:
        return Measurement(
            self.sizes,
            str(self.device),
            self.forward,
            self.step,
            self.memory,
            self.refusal,
            self.fits,
            self.layers,
            self.flops,
            self.forward_timeline,
            self.step_timeline,
            self.parts,
        )


def _watched(run: TrainingRun, watch: LayerWatch, budget: float) -> Iterator[None]:
    """Forward passes whose layers are timed, for so many seconds; the first one of each kernel is warm already."""
    stop = time.perf_counter() + budget
    for _ in range(MOST_LAYER_PASSES):
        with watch.watching():
            run.forward()
        yield
        if time.perf_counter() > stop:
            return


def _advice(loss: Loss | None, batch: Batch) -> str:
    """What to do about a training step that raises."""
    if loss is None:
        return "Give the loss that you train with: `loss=` and `targets=`."
    targets = "no targets" if batch.targets is None else "the given targets"
    return f"The loss is called as loss(outputs, targets), with {targets}. Check `loss=`, `targets=` and `optimizer=`."


def _forward_memory(run: TrainingRun, outputs: int, peak: int | None) -> Memory:
    how = _instrument(run.device, peak) + " during a forward pass alone, as no training step could be made."
    workspace = max(0, (peak or 0) - outputs)
    activations, inputs = run.input_bytes + outputs, run.input_bytes
    return Memory(
        run.parameter_bytes,
        0,
        0,
        activations,
        run.parameter_bytes + activations + workspace,
        how,
        workspace,
        inputs,
        is_estimate=peak is None,
    )


def _training_memory(run: TrainingRun, kept: int, peak: int | None, forward_peak: int) -> Memory:
    beyond = kept if peak is None else max(0, peak - run.gradient_bytes)
    return Memory(
        parameters=run.parameter_bytes,
        gradients=run.gradient_bytes,
        optimizer_state=run.optimizer_bytes,
        activations=run.input_bytes + min(kept, beyond),
        forward_peak=forward_peak,
        how=f"{_instrument(run.device, peak)} during the second training step; {run.recipe}.",
        workspace=max(0, beyond - kept),
        inputs=run.input_bytes,
        is_estimate=peak is None,
        reserved=most_reserved(run.device),
    )


def _instrument(device: torch.device, peak: int | None) -> str:
    if peak is None:
        return f"Estimated from the sizes of tensors, as {device} tells no peak: without scratch memory of kernels,"
    return (
        "Peak of torch.cuda.max_memory_allocated" if device.type == "cuda" else "Peak of the profiler's memory events"
    )


def _release() -> None:
    """Give back what a failed attempt held, so that the rest of the session has it."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
