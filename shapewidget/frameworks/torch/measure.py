"""What a forward pass and a training step cost, measured on a copy of the model.

The order is one of growing need, so that what was measured stands where memory ends: forward pass, then training step;
of each a first call that also warms up, its peak, its time.
"""

from __future__ import annotations

import gc
import io
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any

import torch
from torch import nn

from shapewidget.errors import Cancelled, ShapeWidgetError
from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.capacity import is_out_of_memory, shortage
from shapewidget.frameworks.torch.guard import same_random_state
from shapewidget.frameworks.torch.memory import measured_peak, nbytes
from shapewidget.frameworks.torch.tensors import leaves
from shapewidget.frameworks.torch.timing import timed
from shapewidget.frameworks.torch.training import Loss, MakeOptimizer, TrainingRun, device_of, in_words
from shapewidget.graph.costs import Measurement, Memory, Timing


def measure(
    model: nn.Module,
    batch: Batch,
    *,
    loss: Callable[..., Any] | None,
    optimizer: Callable[..., Any] | None,
    sizes: Mapping[str, int],
    cancelled: Callable[[], bool],
) -> Measurement:
    """Time and memory of a forward pass and of a training step.

    Args:
        model: Copied; left as found, as are the random number generators. What it prints is not shown.
        batch: The inputs and targets, at `sizes`.
        loss: Called as ``loss(outputs, targets)``; None for the mean of the floating-point outputs.
        optimizer: Makes the optimiser from the trainable weights; None for Adam.
        sizes: The named sizes, passed on.
        cancelled: Asked between repeats.

    Returns:
        What could be measured. What could not is None, and `refusal` says why.

    Raises:
        Cancelled: `cancelled` said yes.
    """
    measuring = _Measuring(sizes, cancelled)
    try:
        with same_random_state(), torch.inference_mode(False), torch.enable_grad(), redirect_stdout(io.StringIO()):
            measuring.measure(model, batch, loss, optimizer)
    except Cancelled:
        raise
    except Exception as error:
        measuring.refuse(error)
    if not measuring.fits:
        _release()
    return measuring.measurement()


class _Measuring:
    """One measurement in the making."""

    def __init__(self, sizes: Mapping[str, int], cancelled: Callable[[], bool]) -> None:
        self.sizes = dict(sizes)
        self.cancelled = cancelled
        self.device = torch.device("cpu")
        self.forward: Timing | None = None
        self.step: Timing | None = None
        self.memory: Memory | None = None
        self.advice = self.refusal = ""
        self.fits = True

    def measure(self, model: nn.Module, batch: Batch, loss: Loss | None, optimizer: MakeOptimizer | None) -> None:
        self.device = device_of(model, batch)
        self.advice = _advice(loss, batch)
        run = TrainingRun(model, batch, loss, optimizer, self.device)
        outputs = nbytes(leaves(run.forward()))
        self.check()
        self.memory = _forward_memory(run, outputs)
        self.forward = timed(run.forward, self.device, self.cancelled)
        kept = run.start_training()
        self.check()
        self.memory = _training_memory(run, kept, self.memory.forward_peak)
        self.step = timed(run.step, self.device, self.cancelled)

    def check(self) -> None:
        if self.cancelled():
            raise Cancelled("The measurement was cancelled. Measure again to have it.")

    def refuse(self, error: Exception) -> None:
        if is_out_of_memory(error):
            self.fits, self.memory = False, None
            self.refusal = f"does not fit on {self.device}: {shortage(error)}. Choose a smaller size."
        elif isinstance(error, ShapeWidgetError):
            self.refusal = str(error)
        elif self.forward is None:
            self.refusal = f"The model raised {in_words(error)}. Probe it to see where it breaks."
        else:
            self.refusal = f"The training step raised {in_words(error)}. {self.advice}"

    def measurement(self) -> Measurement:
        return Measurement(self.sizes, str(self.device), self.forward, self.step, self.memory, self.refusal, self.fits)


def _advice(loss: Loss | None, batch: Batch) -> str:
    """What to do about a training step that raises."""
    if loss is None:
        return "Give the loss that you train with: `loss=` and `targets=`."
    targets = "no targets" if batch.targets is None else "the given targets"
    return f"The loss is called as loss(outputs, targets), with {targets}. Check `loss=`, `targets=` and `optimizer=`."


def _forward_memory(run: TrainingRun, outputs: int) -> Memory:
    peak = measured_peak(run.forward, run.device)
    how = _instrument(run.device, peak) + " during a forward pass alone, as no training step could be made."
    activations = run.input_bytes + (outputs if peak is None else peak)
    return Memory(run.parameter_bytes, 0, 0, activations, run.parameter_bytes + activations, how)


def _training_memory(run: TrainingRun, kept: int, forward_peak: int) -> Memory:
    peak = measured_peak(run.step, run.device)
    activations = kept if peak is None else max(0, peak - run.gradient_bytes)
    return Memory(
        parameters=run.parameter_bytes,
        gradients=run.gradient_bytes,
        optimizer_state=run.optimizer_bytes,
        activations=run.input_bytes + activations,
        forward_peak=forward_peak,
        how=f"{_instrument(run.device, peak)} during the second training step; {run.recipe}.",
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
