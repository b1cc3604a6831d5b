"""What a run of a model costs, as measured: seconds and bytes at given sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from shapewidget.graph.records import LayerGraph


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one repeated call.

    Attributes:
        median: Median over the repeats.
        lower: First quartile.
        upper: Third quartile.
        repeats: How often it ran, warm-up not counted.
        cpu: The least CPU seconds that the calling thread took, which other programs on the machine disturb least;
            None on a device with a clock of its own.
    """

    median: float
    lower: float
    upper: float
    repeats: int
    cpu: float | None = None


class StepParts(NamedTuple):
    """Where the seconds of a training step go; together they are the step.

    Attributes:
        forward: The forward passes of the model, with gradients.
        backward: The loss, the backward pass, and all else that is neither of the others.
        update: The steps of the optimiser.
    """

    forward: Timing
    backward: Timing
    update: Timing


class Segment(NamedTuple):
    """One operation of a run, up to the start of the next one.

    Attributes:
        name: The operation, as the framework's profiler calls it.
        net: Bytes allocated less bytes released.
        peak: The most bytes beyond those at its start.
    """

    name: str
    net: int
    peak: int


Timeline = tuple[Segment, ...]
"""The operations of a run in the order in which they ran."""


def peak_of(timeline: Sequence[Segment]) -> int:
    """The most bytes that were allocated at once, beyond those at the start."""
    live = peak = 0
    for segment in timeline:
        peak = max(peak, live + segment.peak)
        live += segment.net
    return peak


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes at the peak of one training step.

    Attributes:
        parameters: The weights and buffers.
        gradients: One for every trainable weight.
        optimizer_state: What the optimiser keeps between steps.
        activations: The inputs, and the tensors kept for the backward pass.
        forward_peak: Peak of a forward pass alone, parameters included.
        how: How it was measured, in words.
        workspace: All else at the peak: what operations need while they run.
        inputs: The inputs and targets, which the activations include.
        is_estimate: Whether the device tells no peak, so that it was added up from the sizes of tensors.
        reserved: What the allocator of a GPU held at most during that step, to have it at hand; None elsewhere.
    """

    parameters: int
    gradients: int
    optimizer_state: int
    activations: int
    forward_peak: int
    how: str
    workspace: int = 0
    inputs: int = 0
    is_estimate: bool = False
    reserved: int | None = None

    @property
    def peak(self) -> int:
        """All five parts of a training step together."""
        return self.parameters + self.gradients + self.optimizer_state + self.activations + self.workspace


class LayerCost(NamedTuple):
    """What one layer costs, what is in it included.

    Attributes:
        memory: Bytes that it keeps for the backward pass.
        time: Median seconds of its forward pass.
    """

    memory: int
    time: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured point.

    Attributes:
        sizes: The named sizes that it was run at.
        device: Where: "cpu", "cuda:0".
        forward: A forward pass without gradients.
        step: Forward, backward and optimiser step; None where no step could be made, `refusal` says why.
        memory: Bytes, of a forward pass alone where no step could be made; None where the model did not fit or not run.
        refusal: Why a part is missing, in words; empty when nothing is.
        fits: False where the device has, or would have, too little memory.
        layers: What every layer costs, by its id in the graph; empty where that was not asked for.
        flops: Floating-point operations of a training step, of a forward pass where no step was asked for; None where
            they were not counted.
        forward_timeline: Bytes of a forward pass, operation by operation; empty where the device does not tell.
        step_timeline: The same of a training step.
        parts: Where the seconds of the training step go; None where that was not told apart.
        peak_flops: Floating-point operations a second that the device was seen to do at best; None where not known.
    """

    sizes: Mapping[str, int]
    device: str
    forward: Timing | None
    step: Timing | None
    memory: Memory | None
    refusal: str = ""
    fits: bool = True
    layers: Mapping[str, LayerCost] = field(default_factory=dict)
    flops: int | None = None
    forward_timeline: Timeline = ()
    step_timeline: Timeline = ()
    parts: StepParts | None = None
    peak_flops: float | None = None

    @property
    def samples_per_second(self) -> float | None:
        """Samples of the batch trained in a second, or passed forward where there is no step; None where not known."""
        timing = self.step or self.forward
        batch = self.sizes.get("B")
        return None if timing is None or batch is None or not timing.median else batch / timing.median

    @property
    def tokens_per_second(self) -> float | None:
        """The same of the steps of the sequences; None without a sequence."""
        samples, length = self.samples_per_second, self.sizes.get("T")
        return None if samples is None or length is None else samples * length

    @property
    def flops_per_second(self) -> float | None:
        """Floating-point operations in a second; None where they were not counted."""
        timing = self.step or self.forward
        return None if self.flops is None or timing is None or not timing.median else self.flops / timing.median

    @property
    def share_of_peak(self) -> float | None:
        """What part of the device's best these are; None where one of both is not known."""
        return self.flops_per_second / self.peak_flops if self.flops_per_second and self.peak_flops else None


def with_costs(graph: LayerGraph, costs: Mapping[str, LayerCost]) -> LayerGraph:
    """The graph with what its layers cost, where that is known."""
    layers = []
    for layer in graph.layers:
        memory, time = costs.get(layer.id, (None, None))
        layers.append(replace(layer, memory=memory, time=time))
    return replace(graph, layers=tuple(layers))
