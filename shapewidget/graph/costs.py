"""What a run of a model costs, as measured: seconds and bytes at given sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one repeated call.

    Attributes:
        median: Median over the repeats.
        lower: First quartile.
        upper: Third quartile.
        repeats: How often it ran, warm-up not counted.
    """

    median: float
    lower: float
    upper: float
    repeats: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes at the peak of one training step.

    Attributes:
        parameters: The weights and buffers.
        gradients: One for every trainable weight.
        optimizer_state: What the optimiser keeps between steps.
        activations: All else at the peak: tensors kept for the backward pass, inputs, and workspaces of kernels.
        forward_peak: Peak of a forward pass alone, parameters included.
        how: How it was measured, in words.
    """

    parameters: int
    gradients: int
    optimizer_state: int
    activations: int
    forward_peak: int
    how: str

    @property
    def peak(self) -> int:
        """All four parts of a training step together."""
        return self.parameters + self.gradients + self.optimizer_state + self.activations


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
    """

    sizes: Mapping[str, int]
    device: str
    forward: Timing | None
    step: Timing | None
    memory: Memory | None
    refusal: str = ""
    fits: bool = True
