"""What losses refuse about their outputs, targets, weights of classes, and the lengths that CTC is told.

A loss that was refused is taken as 0, so that the run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from shapewidget.frameworks.torch.loss_ranges import beyond, plain
from shapewidget.graph.records import Clash, ClashKind

LOSSES = frozenset(
    "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div "
    "poisson_nll_loss gaussian_nll_loss soft_margin_loss multilabel_margin_loss multilabel_soft_margin_loss "
    "multi_margin_loss cross_entropy nll_loss ctc_loss cosine_embedding_loss margin_ranking_loss "
    "triplet_margin_loss triplet_margin_with_distance_loss".split()
)
"""Functions that are losses of outputs and targets."""

_OF_CLASSES = frozenset(("crossentropy", "nll", "nll2d", "multimargin"))
_OF_SEVERAL = {"cosineembedding": 2, "marginranking": 2, "tripletmargin": 3, "tripletmarginwithdistance": 3}
"""Losses that set rows of several outputs against one another, and how many."""
_OF_LISTED_CLASSES = "multilabelmargin"
_NAMES = ("log_probs", "targets", "input_lengths", "target_lengths")
_CARRIED_ON = "the loss taken as 0"

Refused = tuple[Clash, Callable[[], torch.Tensor]]


def loss_refused(function: Any, args: Any, kwargs: Mapping[str, Any], error: str) -> Refused | None:
    """What a loss refused, by its function or class, and 0 in its place."""
    tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
    kind = plain(function.__name__)
    if not tensors or (len(tensors) < 2 and kind != "ctc"):
        return None
    if kind == "ctc":
        clash = _ctc_refused(args, kwargs, error)
    elif kind in _OF_SEVERAL:
        clash = _several_refused(kind, tensors, error)
    elif kind in _OF_CLASSES:
        weights = kwargs.get("weight", args[2] if len(args) > 2 else None)
        clash = _weights_refused(tensors[0], weights, error) or _classes_refused(kind, tensors[0], tensors[1], error)
    else:
        clash = _one_shape_refused(kind, tensors[0], tensors[1], kwargs, error)
    return (clash, lambda: tensors[0].float().sum() * 0) if clash is not None else None


def _one_shape_refused(
    kind: str, outputs: torch.Tensor, targets: torch.Tensor, kwargs: Mapping[str, Any], error: str
) -> Clash | None:
    """A loss that sets outputs and targets of one shape against one another."""
    if outputs.shape != targets.shape:
        shapes = tuple(targets.shape), tuple(outputs.shape)
        return Clash("", ClashKind.SIZE, 0, None, *shapes, 1, _CARRIED_ON, error)
    refused = _not_broadcast(outputs, kwargs, error)
    if refused is not None:
        return refused
    if kind == _OF_LISTED_CLASSES:
        return _of_dtype(targets, "int64", error) or _out_of_range(targets.clamp(min=0), outputs.shape[-1], error)
    if not targets.is_floating_point() and not targets.is_complex():
        return _of_dtype(targets, "float32", error)
    values = beyond(kind, outputs, targets)
    if values is None:
        return None
    return Clash("", ClashKind.RANGE, values.place, None, values.wanted, values.got, None, _CARRIED_ON, error)


def _not_broadcast(outputs: torch.Tensor, held: Mapping[str, Any], error: str) -> Clash | None:
    """Weights that a loss multiplies with what it is given for every output, and that do not broadcast with it."""
    for name in ("weight", "pos_weight"):
        weights = held.get(name)
        if not isinstance(weights, torch.Tensor):
            continue
        for back in range(1, min(weights.dim(), outputs.dim()) + 1):
            sizes = (outputs.shape[-back], weights.shape[-back])
            if sizes[0] != sizes[1] and 1 not in sizes:
                return Clash("", ClashKind.SIZE, 2, outputs.dim() - back, *sizes, None, _CARRIED_ON, error)
    return None


def _several_refused(kind: str, tensors: Sequence[torch.Tensor], error: str) -> Clash | None:
    """A loss of pairs or triplets: one of them has other rows, or the targets are not one a pair."""
    outputs, targets = tensors[: _OF_SEVERAL[kind]], tensors[_OF_SEVERAL[kind] :]
    shapes = [tuple(each.shape) for each in outputs]
    odd = next((place for place, shape in enumerate(shapes) if shapes.count(shape) * 2 < len(shapes)), None)
    odd = len(shapes) - 1 if odd is None and len(set(shapes)) > 1 else odd
    if odd is not None:
        return Clash("", ClashKind.SIZE, odd, None, shapes[odd - 1], shapes[odd], odd - 1, _CARRIED_ON, error)
    wanted = shapes[0][:1] if kind == "cosineembedding" else shapes[0]
    if targets and tuple(targets[0].shape) != wanted:
        place = len(outputs)
        return Clash("", ClashKind.SIZE, place, None, wanted, tuple(targets[0].shape), 0, _CARRIED_ON, error)
    return None


def _classes_refused(kind: str, outputs: torch.Tensor, targets: torch.Tensor, error: str) -> Clash | None:
    """A loss that takes one class a sample, or one a position."""
    wanted = (outputs.shape[0], *outputs.shape[2:]) if outputs.dim() > 1 else ()
    is_float = targets.is_floating_point()
    takes_rows = kind == "crossentropy" and is_float
    if takes_rows and targets.shape == outputs.shape:
        return None
    if tuple(targets.shape) != wanted:
        axis = 0 if targets.dim() and targets.shape[0] != outputs.shape[0] and not takes_rows else None
        expected: object = outputs.shape[0] if axis == 0 else tuple(outputs.shape) if takes_rows else wanted
        got: object = targets.shape[0] if axis == 0 else tuple(targets.shape)
        return Clash("", ClashKind.SIZE, 1, axis, expected, got, 0, _CARRIED_ON, error)
    classes = outputs.shape[1] if outputs.dim() > 1 else outputs.shape[0]
    return _out_of_range(targets, classes, error) or _of_dtype(targets, "int64", error)


def _out_of_range(targets: torch.Tensor, classes: int, error: str) -> Clash | None:
    if targets.is_floating_point() or not targets.numel():
        return None
    low, high = int(targets.min()), int(targets.max())
    if 0 <= low and high < classes:
        return None
    worst = high if high >= classes else low
    return Clash("", ClashKind.INDEX, 1, None, f"0 to {classes - 1}", worst, 0, _CARRIED_ON, error)


def _of_dtype(targets: torch.Tensor, wanted: str, error: str) -> Clash | None:
    got = str(targets.dtype).removeprefix("torch.")
    return Clash("", ClashKind.DTYPE, 1, None, wanted, got, None, _CARRIED_ON, error) if got != wanted else None


def _weights_refused(outputs: torch.Tensor, weights: Any, error: str) -> Clash | None:
    """Not as many weights as there are classes."""
    classes = outputs.shape[1] if outputs.dim() > 1 else outputs.shape[0]
    if not isinstance(weights, torch.Tensor) or weights.numel() == classes:
        return None
    return Clash("", ClashKind.SIZE, 2, 0, classes, weights.numel(), None, _CARRIED_ON, error)


def _ctc_refused(args: Any, kwargs: Mapping[str, Any], error: str) -> Clash | None:
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
