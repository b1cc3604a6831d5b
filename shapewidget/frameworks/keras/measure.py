"""What a forward pass and a training step of a Keras model cost, on a copy of it.

Both run in a `tf.function`, as `predict` and `fit` run them. A CPU tells no peak of its memory: there the bytes are an
estimate, and say so. It goes in slices of one call each, so that whoever drives it can do something else in between.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from shapewidget.errors import ShapeWidgetError
from shapewidget.frameworks.adapter import Batch, Effort
from shapewidget.frameworks.keras import flops
from shapewidget.frameworks.keras.apart import apart, first_line
from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.memory import Results, measured_peak, results_of
from shapewidget.frameworks.keras.tensors import leaves
from shapewidget.frameworks.keras.training import TrainingRun, nbytes
from shapewidget.frameworks.slices import guarded
from shapewidget.frameworks.timing import Sample, clocked, quartiles, repeated
from shapewidget.graph.costs import LayerCost, Measurement, Memory, Segment, StepParts, Timeline, Timing

_ESTIMATE = (
    "Estimated, as TensorFlow tells no peak on a CPU: every result of the forward pass is counted as kept for the "
    "backward pass, and no scratch memory"
)

Take = Callable[[int], Sample]
"""Makes so many calls, and gives the seconds of one."""

_LAYER_PASSES = 3
"""Forward passes whose layers are timed; they run operation by operation, as layers are not told apart in a graph."""


def measure(
    model: keras.Model,
    batch: Batch,
    *,
    device: str,
    loss: Callable[..., Any] | None,
    optimizer: Any,
    sizes: Mapping[str, int],
    effort: Effort,
    training: bool = True,
    step: Callable[..., Any] | None = None,
) -> Generator[None, None, Measurement]:
    """Time and memory of a forward pass and of a training step, one call of the model a slice.

    Args:
        model: Copied; left as found.
        batch: The inputs and targets, at `sizes`.
        device: Where the model is: "cpu", "gpu:0".
        loss: Called as ``loss(targets, outputs)``; None for the mean of the floating-point outputs.
        optimizer: See `TrainingRun`.
        sizes: The named sizes, passed on.
        effort: How long to repeat.
        training: Whether to make training steps.
        step: Makes a training step, called as ``step(model, inputs, targets, optimizer)``; None for a plain one.

    Returns:
        What could be measured. What could not is None, and `refusal` says why.
    """
    measuring = _Measuring(dict(sizes), device, effort)
    yield from guarded(measuring.slices(model, batch, loss, optimizer, step, training), apart, measuring.refuse)
    return measuring.measurement()


class _Measuring:
    """One measurement in the making."""

    def __init__(self, sizes: dict[str, int], device: str, effort: Effort) -> None:
        self.sizes, self.device, self.effort = sizes, device, effort
        self.forward: Timing | None = None
        self.step: Timing | None = None
        self.memory: Memory | None = None
        self.layers: Mapping[str, LayerCost] = {}
        self.flops: int | None = None
        self.parts: StepParts | None = None
        self.forward_timeline: Timeline = ()
        self.step_timeline: Timeline = ()
        self.refusal = ""
        self.fits = True

    def slices(
        self, model: keras.Model, batch: Batch, loss: Any, optimizer: Any, step: Any, training: bool
    ) -> Generator[None, None, None]:
        run = TrainingRun(model, batch, loss, optimizer, step)
        with BACKEND.eager_functions():
            watch = run.watch()
            with watch.watching():
                results, outputs = results_of(run.plain_forward, watch.keep)
        kept = nbytes(leaves(outputs))
        self.memory = _forward_memory(run, results, kept, measured_peak(run.plain_forward, self.device))
        self.forward_timeline = (*results.forward, Segment("outputs", kept, kept))
        yield
        if self.effort.layer_seconds:
            for _ in range(_LAYER_PASSES):
                with BACKEND.eager_functions(), watch.watching():
                    run.plain_forward()
                yield
        if self.effort.seconds:
            self.forward = yield from self._timed(run.forward)
        if self.effort.layer_seconds is not None:
            self.layers = watch.costs(self.forward.median if self.forward is not None else None)
        if self.effort.counts_operations and not training:
            self.flops = _counted(run.plain_forward)
        if training:
            run.start_training()
            peak = measured_peak(run.step, self.device)
            self.memory = _training_memory(run, results, peak, self.memory.forward_peak)
            gradients = Segment("gradients", run.gradient_bytes, run.gradient_bytes)
            self.step_timeline = (*results.training, gradients)
            yield
            if self.effort.seconds:
                tells_parts = step is None and self.effort.counts_operations
                self.step = yield from self._timed_in_parts(run) if tells_parts else self._timed(run.step)
            if self.effort.counts_operations:
                yield
                self.flops = _counted(run.step)

    def _timed(self, call: Callable[[], Any]) -> Generator[None, None, Timing]:
        """Seconds of a call."""
        take = _clock(call)
        yield
        return (yield from repeated(take, self.effort.seconds, has_cpu_clock=False))

    def _timed_in_parts(self, run: TrainingRun) -> Generator[None, None, Timing]:
        """Seconds of a step, in turns with functions that end before it does: a `tf.function` is not looked into."""
        takes, rounds = list[Take](), list[list[float]]()
        for call in (run.training_forward, run.gradients, run.step):
            takes.append(_clock(call))
            yield

        def take(times: int) -> Sample:
            samples = [each(times) for each in takes]
            rounds.append([sample.wall for sample in samples])
            return samples[-1]

        step = yield from repeated(take, self.effort.seconds, has_cpu_clock=False)
        forward, gradients, steps = zip(*rounds[-step.repeats :], strict=True)
        self.parts = StepParts(quartiles(forward), _added(gradients, forward), _added(steps, gradients))
        return step

    def refuse(self, error: Exception) -> None:
        if isinstance(error, tf.errors.ResourceExhaustedError | MemoryError):
            self.fits, self.memory = False, None
            self.refusal = f"does not fit on {self.device}: TensorFlow ran out of memory. Choose a smaller size."
        elif isinstance(error, ShapeWidgetError):
            self.refusal = str(error)
        elif self.memory is None:
            self.refusal = f"The model raised {first_line(error)}. Probe it to see where it breaks."
        else:
            self.refusal = (
                f"The training step raised {first_line(error)}. The loss is called as loss(targets, outputs), a step "
                "as step(model, inputs, targets, optimizer). Check `loss=`, `targets=`, `optimizer=` and `step=`."
            )

    def measurement(self) -> Measurement:
        return Measurement(
            self.sizes,
            self.device,
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


def _clock(call: Callable[[], Any]) -> Take:
    """What takes the seconds of a call, which is traced first."""
    given: list[Any] = [call()]

    def repeat() -> None:
        given[0] = call()

    def wait() -> None:
        """Until a GPU is done: its last result is read."""
        for leaf in leaves(given[0])[:1]:
            leaf.numpy()

    return functools.partial(clocked, repeat, wait=wait)


def _added(longer: Sequence[float], shorter: Sequence[float]) -> Timing:
    """Seconds by which a call takes longer than another one in the same round."""
    return quartiles([max(0.0, one - other) for one, other in zip(longer, shorter, strict=True)])


def _counted(call: Callable[[], Any]) -> int | None:
    """The operations of a call, which runs them one by one for it."""
    with BACKEND.eager_functions():
        return flops.counted(call)


def _forward_memory(run: TrainingRun, results: Results, outputs: int, peak: int | None) -> Memory:
    beyond = peak if peak is not None else max(results.widest, outputs)
    how = "Peak of tf.config.experimental.get_memory_info" if peak is not None else _ESTIMATE
    activations = run.input_bytes + outputs
    return Memory(
        parameters=run.parameter_bytes,
        gradients=0,
        optimizer_state=0,
        activations=activations,
        forward_peak=run.parameter_bytes + run.input_bytes + beyond,
        how=f"{how}; a forward pass alone.",
        workspace=max(0, beyond - outputs),
        inputs=run.input_bytes,
        is_estimate=peak is None,
    )


def _training_memory(run: TrainingRun, results: Results, peak: int | None, forward_peak: int) -> Memory:
    beyond = results.kept if peak is None else max(0, peak - run.gradient_bytes)
    how = _ESTIMATE if peak is None else "Peak of tf.config.experimental.get_memory_info during a training step"
    return Memory(
        parameters=run.parameter_bytes,
        gradients=run.gradient_bytes,
        optimizer_state=run.optimizer_bytes,
        activations=run.input_bytes + min(results.kept, beyond),
        forward_peak=forward_peak,
        how=f"{how}; {run.recipe}.",
        workspace=max(0, beyond - results.kept),
        inputs=run.input_bytes,
        is_estimate=peak is None,
    )
