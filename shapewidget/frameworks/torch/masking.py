"""What the masks of a run mark, told by their values beside those of the model's inputs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import nn

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.guard import untouched
from shapewidget.frameworks.torch.layers import paths
from shapewidget.frameworks.torch.likeness import to_run
from shapewidget.frameworks.torch.provenance import Slot
from shapewidget.frameworks.torch.record import add_inputs
from shapewidget.frameworks.torch.recorder import Recorder
from shapewidget.frameworks.torch.signature import unwrapped
from shapewidget.frameworks.torch.tensors import flat
from shapewidget.graph.independence import Tensor
from shapewidget.graph.masking import Marked, Mask

_HIDDEN = -1e3
"""A number that is added to scores to hide them is below this."""

_LARGEST = 1 << 20
"""Values of a tensor beyond which it is not looked at."""


def masks(model: nn.Module, batch: Batch) -> Mapping[Tensor, Mask]:
    """What every tensor of two values marks that the model makes or is given, where that is clear.

    Args:
        model: Left as found.
        batch: Its inputs; sequences of different length show what padding is.

    Raises:
        Exception: Whatever the model raises.
    """
    model = to_run(unwrapped(model))
    inputs = flat((batch.args, dict(batch.kwargs)))
    with untouched(model) as held:
        reader = _Reader(paths(model), inputs, [*held, *inputs])
        add_inputs(reader, model, batch)
        with torch.no_grad(), reader.recording():
            model(*batch.args, **batch.kwargs)
    return reader.masks


class _Reader(Recorder):
    """A recorder that looks at the values of everything that may be a mask, as it is when it is made."""

    def __init__(
        self, names: Mapping[nn.Module, str], inputs: Sequence[torch.Tensor], protected: Iterable[torch.Tensor]
    ) -> None:
        super().__init__(names, repair=False, protected=protected)
        self.masks: dict[Tensor, Mask] = {}
        self._filled = [filled for tensor in inputs if (filled := _filled_up(tensor)) is not None]

    def produced(self, tensor: torch.Tensor, slot: Slot, *, wrote: bool) -> None:
        super().produced(tensor, slot, wrote=wrote)
        with torch._C.DisableTorchFunction(), contextlib.suppress(RuntimeError, NotImplementedError):
            found = _mask(tensor.detach(), self._filled) if 1 < tensor.numel() <= _LARGEST else None
            if found is not None:
                self.masks[self.nodes[slot.node].id, slot.output] = found


def _filled_up(tensor: torch.Tensor) -> torch.Tensor | None:
    """Which steps of an input only fill it up: (batch, steps), True behind the end of the shorter sequences."""
    if tensor.dim() == 3 and tensor.is_floating_point():
        same = (tensor == 0).all(-1)
    elif tensor.dim() == 2 and not tensor.is_floating_point() and tensor.dtype is not torch.bool:
        ends = tensor[:, -1]
        same = tensor == ends.mode().values
    else:
        return None
    from_end = same.flip(1).cumprod(1).flip(1).bool()
    is_padding = bool((from_end == same).all()) and from_end.any() and not from_end.all(1).any()
    return from_end if is_padding and int(from_end.sum()) > 1 and len({*from_end.sum(1).tolist()}) > 1 else None


def _mask(tensor: torch.Tensor, filled: Sequence[torch.Tensor]) -> Mask | None:
    row = tensor[(0,) * (tensor.dim() - 1)]  # tells most tensors of other values, at little cost
    if not bool(((row == 0) | (row == 1) | (row <= _HIDDEN)).all()):
        return None
    is_additive = tensor.is_floating_point()
    if is_additive:
        on = tensor <= _HIDDEN
        if not bool((on | (tensor == 0)).all()):
            is_additive, on = False, tensor == 1
            if not bool((on | (tensor == 0)).all()):
                return None
    elif tensor.dtype is torch.bool or not bool(((tensor != 0) & (tensor != 1)).any()):
        on = tensor == 1
    else:
        return None
    return _of_sides(on, is_additive=is_additive) or _of_padding(on, filled, is_additive=is_additive)


def _of_sides(on: torch.Tensor, *, is_additive: bool) -> Mask | None:
    """Whether it is on at all steps on one side of each step, and at none on the other."""
    steps = on.shape[-1]
    if on.dim() < 2 or on.shape[-2] != steps or steps < 3 or on.numel() != steps * steps:
        return None
    square = on.reshape(steps, steps)
    below, above = (torch.ones_like(square).tril(-1), torch.ones_like(square).triu(1))
    for marked, inside, outside in ((Marked.EARLIER, below, above), (Marked.LATER, above, below)):
        if bool(square[inside].all()) and not bool(square[outside].any()):
            return Mask(marked, steps, steps, is_additive)
    return None


def _of_padding(on: torch.Tensor, filled: Sequence[torch.Tensor], *, is_additive: bool) -> Mask | None:
    for padding in filled:
        if on.numel() != padding.numel() or [size for size in on.shape if size > 1] != list(padding.shape):
            continue
        flat_on = on.reshape(padding.shape)
        for marked, pattern in ((Marked.PADDING, padding), (Marked.DATA, ~padding)):
            if bool((flat_on == pattern).all()):
                return Mask(marked, int(pattern.sum()), padding.numel(), is_additive)
    return None
