"""What losses refuse besides their targets: weights of classes, and the lengths that CTC is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from shapewidget.graph.records import Clash, ClashKind

_NAMES = ("log_probs", "targets", "input_lengths", "target_lengths")
_CARRIED_ON = "the loss taken as 0"


def class_weights_refused(outputs: torch.Tensor, weights: Any, error: str) -> Clash | None:
    """Not as many weights as there are classes."""
    classes = outputs.shape[1] if outputs.dim() > 1 else outputs.shape[0]
    if not isinstance(weights, torch.Tensor) or weights.numel() == classes:
        return None
    return Clash("", ClashKind.SIZE, 2, 0, classes, weights.numel(), None, _CARRIED_ON, error)


def ctc_refused(args: Any, kwargs: Mapping[str, Any], error: str) -> Clash | None:
    """Lengths that are not one a sample, log-probabilities with the batch in front, steps that there are not."""
    given = {**dict(zip(_NAMES, args, strict=False)), **kwargs}
    outputs = given.get("log_probs")
    counts = {place: _count(given.get(name)) for place, name in enumerate(_NAMES) if name.endswith("lengths")}
    if not isinstance(outputs, torch.Tensor) or outputs.dim() != 3 or None in counts.values():
        return None
    steps, samples = outputs.shape[:2]
    if set(counts.values()) == {steps} and steps != samples:
        return Clash("", ClashKind.SIZE, 0, 1, steps, samples, 2, _CARRIED_ON, error)
    for place, count in counts.items():
        if count != samples:
            return Clash("", ClashKind.SIZE, place, 0, samples, count, 0, _CARRIED_ON, error)
    longest = max(map(int, given["input_lengths"]), default=0)
    if longest > steps:
        return Clash("", ClashKind.INDEX, 2, 0, f"0 to {steps}", longest, 0, _CARRIED_ON, error)
    return None


def _count(lengths: Any) -> int | None:
    if isinstance(lengths, torch.Tensor):
        return lengths.numel()
    return len(lengths) if isinstance(lengths, tuple | list) else None
