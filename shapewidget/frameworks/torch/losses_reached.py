"""What a backward pass starts from: the mean that a loss is, and the numbers that it was multiplied by."""

from __future__ import annotations

from typing import Any

import torch

from shapewidget.graph.training import LossTerm

_ADDS = ("AddBackward0", "SubBackward0", "NegBackward0", "ToCopyBackward0", "SqueezeBackward0", "AliasBackward0")
_MEANS = ("MeanBackward0", "MeanBackward1")
_MEAN_REDUCTION = 1
_DEEPEST = 64
_SIGN = 2**63
"""Autograd tells a negative number as one without a sign."""


def terms(loss: torch.Tensor) -> list[LossTerm]:
    """The losses that a scalar was added up of."""
    found: list[LossTerm] = []
    waiting: list[tuple[Any, tuple[float, ...], int]] = [(loss.grad_fn, (), 0)]
    while waiting:
        node, factors, depth = waiting.pop()
        if node is None or depth > _DEEPEST:
            continue
        name, factor = node.name(), _factor(node)
        if name in _ADDS or factor is not None:
            own = factors if factor is None else (*factors, factor)
            waiting += [(each, own, depth + 1) for each, _ in node.next_functions]
        elif name != "torch::autograd::AccumulateGrad":
            found.append(LossTerm(factors, _is_mean(node, name), _rows(node), counted=_counted(node)))
    return found


def _factor(node: Any) -> float | None:
    """The number that a node multiplies by; None where it does something else."""
    name = node.name()
    other = getattr(node, "_saved_other", None) if name[:3] in ("Mul", "Div") else None
    if other is None or (isinstance(other, torch.Tensor) and (other.numel() != 1 or other.requires_grad)):
        return None
    value = float(other)
    return value if name.startswith("Mul") else 1 / value if value else None


def _is_mean(node: Any, name: str) -> bool:
    return name in _MEANS or getattr(node, "_saved_reduction", None) == _MEAN_REDUCTION


def _rows(node: Any) -> int | None:
    saved = getattr(node, "_saved_self", None)
    shape = saved.shape if isinstance(saved, torch.Tensor) else ()
    sizes: tuple[int, ...] = tuple(getattr(node, "_saved_self_sym_sizes", shape))
    return int(sizes[0]) if len(sizes) else None


def _counted(node: Any) -> int | None:
    """How many labels a loss of classes takes its mean over; None for other losses, and where classes are weighed."""
    labels, ignored = getattr(node, "_saved_target", None), getattr(node, "_saved_ignore_index", None)
    if not isinstance(labels, torch.Tensor) or ignored is None or getattr(node, "_saved_weight", None) is not None:
        return None
    return int((labels != (ignored if ignored < _SIGN else ignored - 2 * _SIGN)).sum())


def weights(loss: torch.Tensor) -> list[torch.Tensor]:
    """The weights that the backward pass gives a gradient to."""
    found: list[torch.Tensor] = []
    waiting, seen = [loss.grad_fn], set()
    while waiting:
        node: Any = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.append(node.variable)
        waiting += [each for each, _ in node.next_functions]
    return found
