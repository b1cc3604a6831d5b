"""What the axes of a batch mean: which is the batch, which the sequence, which an image's height and width.

An axis is a symbol when its size is free to vary: "B", "T", "H", "W", or a name of the user's own. An axis whose size
a layer was built for is "" instead. The first input decides; the others are read against the sizes found there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from shapewidget.errors import InputError
from shapewidget.frameworks.torch.parts import Parts
from shapewidget.frameworks.torch.widths import Widths

Names = tuple[str, ...]

MERGED = "·"
"""Joins the names of axes that were folded into one: labels of shape (B·T,)."""

_FIXED = frozenset({"_", "C", "D", "E", "F", "c", "d", "e", "f", "channels", "features"})
_WORDS = {
    **{"b": "B", "batch": "B", "t": "T", "time": "T", "sequence": "T"},
    **{"h": "H", "height": "H", "w": "W", "width": "W"},
}
_SPACE = {4: ("H", "W"), 5: ("D", "H", "W")}
_SEQUENCE_LAYERS = (
    nn.RNNBase,
    nn.MultiheadAttention,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
    nn.TransformerEncoder,
    nn.TransformerDecoder,
    nn.Transformer,
)


class AxisNamer:
    """Names the axes of one tensor after another; remembers the sizes that it gave names to.

    Args:
        model: Its layers tell features from free axes.
        one_a_sample: Sizes of vectors that hold one number a sample, such as labels or lengths. Where no layer says
            `batch_first`, they tell a batch on the second axis.
        labels: What the outputs are compared with. Ids of which the labels are the next ones tell along which axis
            the steps lie, whatever a layer says.

    Attributes:
        sizes: The named sizes so far: {"B": 32, "T": 100}.
    """

    def __init__(self, model: nn.Module, one_a_sample: Sequence[int] = (), labels: Sequence[torch.Tensor] = ()) -> None:
        self.sizes: dict[str, int] = {}
        self._widths = Widths(model)
        self._first: Names = ()
        called = model.children() if isinstance(model, Parts) else (model,)
        self._is_sequence_layer = all(isinstance(module, _SEQUENCE_LAYERS) for module in called)
        flags = [module.batch_first for module in model.modules() if hasattr(module, "batch_first")]
        self._may_be_time_first = bool(flags) and not any(flags)
        self._one_a_sample = one_a_sample
        self._labels = labels

    def input(self, tensor: torch.Tensor) -> Names:
        """Names of the axes of the next input."""
        if not self._first:
            self._first = self._remember(tensor.shape, self._leading(tensor))
            return self._first
        shape = tensor.shape
        is_batched = len(shape) > 1 and shape[0] == self.sizes.get("B")
        is_mask = len(shape) > 1 and shape[-1] == shape[-2] == self.sizes.get("T")
        if is_batched and not is_mask and len(shape) in _SPACE and shape[-1] != self.sizes.get("T"):
            return self._remember(shape, self._leading(tensor))
        names = self._by_size(tensor)
        if is_batched and not names[1] and shape[1] > 1 and self._is_sequence(tensor):
            names = (names[0], "T", *names[2:])
        return self._remember(shape, names)

    def target(self, tensor: torch.Tensor) -> Names:
        """Names of the axes of labels; a merged axis of size B·T is called that."""
        names = self._by_size(tensor)
        if names and not names[0] and "B" in self.sizes:
            for others in (("T",), ("T2",), ("H", "W")):
                merged = ("B", *others)
                if set(merged) <= self.sizes.keys() and tensor.shape[0] == math.prod(
                    map(self.sizes.__getitem__, merged)
                ):
                    return (MERGED.join(merged), *names[1:])
        return names

    def given(self, tensor: torch.Tensor, label: str, text: str) -> Names:
        """Names as the user wrote them, "B T F".

        Raises:
            InputError: Their number is not the tensor's rank, or one name stands for two sizes.
        """
        words, shape = text.split(), tuple(tensor.shape)
        if len(words) != len(shape):
            raise InputError(
                f"axes={text!r} names {len(words)} axes, but `{label}` has shape {shape}, which is {len(shape)}. "
                f"Give one name an axis, as in axes={example(len(shape))!r}."
            )
        strange = [word for word in words if not word.isidentifier()]
        if strange:
            raise InputError(
                f"axes={text!r} holds {strange[0]!r}, which is no name of an axis. "
                f"Give one plain name an axis, as in axes={example(len(shape))!r}; '_' for an axis without a meaning."
            )
        names = tuple(self._meant(word, size) for word, size in zip(words, shape, strict=True))
        for name in set(names) - {""}:
            found = sorted({size for each, size in zip(names, shape, strict=True) if each == name})
            if len(found) > 1:
                raise InputError(
                    f"axes={text!r} says {name!r} twice, but these axes of `{label}` have the sizes "
                    f"{' and '.join(map(str, found))} (its shape is {shape}). Give each its own name."
                )
        self._first = self._first or names
        return self._remember(shape, names)

    def _meant(self, word: str, size: int) -> str:
        """The symbol behind a word; of names unknown to us, those are symbols whose size no layer was built for."""
        name = _WORDS.get(word.lower() if len(word) == 1 else word, word)
        if name in _WORDS.values():
            return name
        return "" if word in _FIXED or size in self._widths.all else name

    def _leading(self, tensor: torch.Tensor) -> Names:
        """Names by rank and dtype alone, for the input that decides."""
        rank, is_float = tensor.ndim, tensor.is_floating_point()
        if self._is_sequence_layer and is_float and rank == 2:
            return ("T", "")
        if rank == (3 if is_float else 2) and self._is_time_first(tensor):
            return ("T", "B", "")[:rank]
        if rank and rank == self._widths.unbatched_rank and is_float:
            return ("", *_SPACE.get(rank + 1, ("T",))) if rank > 1 else ("",)
        if rank < 2:
            return ("B",)[:rank]
        if rank == 2 and is_float:
            is_square = tensor.shape[0] == tensor.shape[1] and tensor.shape[1] not in self._widths.last
            return ("B", "B" if is_square else "")
        if rank == 2 or (rank == 3 and not is_float):
            return ("B", "T", "")[:rank]
        if rank > 5:
            return ("B", *[""] * (rank - 1))
        if rank == 5 and (2, tensor.shape[2]) in self._widths.channels:
            return ("B", "T", "", "H", "W")
        space = _SPACE.get(rank, ("T",))
        return ("B", "", *space) if self._widths.are_channels_first(tensor.shape) else ("B", *space, "")

    def _is_time_first(self, tensor: torch.Tensor) -> bool:
        """Whether the second axis is the batch: where a layer says `batch_first`, only if the labels show it."""
        if any(_are_next_steps(tensor, label, 0) and not _are_next_steps(tensor, label, 1) for label in self._labels):
            return True
        first, second = tensor.shape[0] in self._one_a_sample, tensor.shape[1] in self._one_a_sample
        return self._may_be_time_first and (self._is_sequence_layer or (second and not first))

    def _by_size(self, tensor: torch.Tensor) -> Names:
        """Names by the sizes already known, each in its usual place where two have the same size."""
        shape = tuple(tensor.shape)
        if len(shape) == 3 and shape[1] == self.sizes.get("B") and (shape[0], shape[2]) in self._widths.states:
            return ("", "B", "")
        names: list[str] = []
        for axis, size in enumerate(shape):
            usual = self._first[axis : axis + 1] if len(shape) > 1 else ()
            order = dict.fromkeys((*usual, "B", "T", "H", "W", *self.sizes))
            fitting = [name for name in order if self._fits(name, size, axis, names, tensor)]
            names.append(next((name for name in fitting if name not in names), fitting[0] if fitting else ""))
        return tuple(names)

    def _fits(self, name: str, size: int, axis: int, before: Sequence[str], tensor: torch.Tensor) -> bool:
        if not name or self.sizes.get(name) != size:
            return False
        if name == "B" and axis:
            is_square = tensor.ndim == 2 and size > 1 and size not in self._widths.all
            return axis == 1 and ("B" not in before or is_square)
        if axis == 0 or name == before[axis - 1]:
            return True
        if self._first[axis : axis + 1] == (name,):
            return not (tensor.ndim == 2 and tensor.is_floating_point() and size in self._widths.last)
        return size > 1 and (tensor.dtype == torch.bool or size not in self._widths.all)

    def _is_sequence(self, tensor: torch.Tensor) -> bool:
        """Whether an input of another length than the first is a sequence of its own."""
        if tensor.is_floating_point():
            return tensor.ndim == 3 and tensor.shape[-1] in self._widths.last
        return tensor.ndim == 2 and tensor.dtype != torch.bool

    def _remember(self, shape: Sequence[int], names: Names) -> Names:
        """Keep the sizes; a name that already has another size becomes "T2", "T3"."""
        kept: list[str] = []
        for name, size in zip(names, shape, strict=True):
            free, count = name, 1
            while free and self.sizes.setdefault(free, size) != size:
                count += 1
                free = f"{name}{count}"
            kept.append(free)
        return tuple(kept)


def _are_next_steps(ids: torch.Tensor, labels: torch.Tensor, axis: int) -> bool:
    """Whether the labels of (T, B) or (B, T) ids, flattened or not, are the ids one step on along that axis."""
    if ids.is_floating_point() or ids.ndim != 2 or labels.numel() != ids.numel() or ids.shape[axis] < 2:
        return False
    steps = ids.shape[axis] - 1
    given = labels.reshape(ids.shape).narrow(axis, 0, steps)
    is_padding = given < 0
    return bool(((given == ids.narrow(axis, 1, steps)) | is_padding).all())


def example(rank: int) -> str:
    """A way to write the axes of a tensor of that rank."""
    return {1: "B", 2: "B T", 3: "B T F", 4: "B C H W"}.get(rank, " ".join("BTFGHIJKLMN"[:rank]))


def named_sizes(tensors: Sequence[torch.Tensor], axes: Sequence[Names]) -> dict[str, int]:
    """The sizes of the named axes: {"B": 32, "T": 100}."""
    return {
        name: size
        for tensor, names in zip(tensors, axes, strict=True)
        for name, size in zip(names, tensor.shape, strict=True)
        if name and MERGED not in name
    }
