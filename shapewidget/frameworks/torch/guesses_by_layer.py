"""What the layers of a model want: token ids for an embedding, images for a convolution, rows for a linear layer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from torch import nn

from shapewidget.frameworks.torch.entries import Entry, entries, is_sequential
from shapewidget.frameworks.torch.guesses import Guess, Maker, Sizes

SIDES = {1: (64, 128, 512, 1024, 4096, 16000), 2: (32, 64, 96, 128, 224, 256), 3: (16, 32, 64)}
"""Usual sizes of a spatial axis, by the number of spatial axes."""

_SPACE = {1: "T", 2: "H W", 3: "D H W"}
_KIND = {1: "signals", 2: "images", 3: "volumes"}
_ONE_A_SAMPLE = re.compile(r"label|class|user|item|^y$")
_SECOND = re.compile(r"tgt|trg|target|dec|output")


def guesses_by_layer(model: nn.Module, name: str, make: Maker, sizes: Sizes) -> Iterator[Guess]:
    """Guesses for every layer that data could enter by; those first that share a word with the argument's name."""
    words = {word for word in re.split(r"[_\d]+", name.lower()) if len(word) > 2}
    ways_in = entries(model)
    akin = [entry for entry in ways_in if words & set(re.split(r"[_.\d]+", entry.path.lower()))]
    for entry in [*akin, *(entry for entry in ways_in if entry not in akin)]:
        if entry.takes == "ids":
            yield from _ids(entry, name, make, sizes)
        elif entry.takes == "channels":
            yield from _space(entry, _sides(model, entry), make, sizes.batch)
        else:
            yield from _features(
                entry, name, make, sizes, is_sequence=entry.takes == "sequence" or is_sequential(model)
            )
    if not ways_in:
        yield from _without_layers(model, make, sizes)


def _ids(entry: Entry, name: str, make: Maker, sizes: Sizes) -> Iterator[Guess]:
    batch, below = sizes.batch, entry.width

    def ids(shape: tuple[int, ...], axes: str, what: str) -> Guess:
        return make.ids(below, shape, axes, f"{batch} {what} below {below}", entry.place, entry.lowest)

    one_each = ids((batch,), "B", "ids")
    if _ONE_A_SAMPLE.search(name):
        yield one_each
    if _SECOND.search(name):
        yield ids((batch, sizes.second_length), "B T2", f"sequences of {sizes.second_length} token ids")
    yield ids((batch, sizes.length), "B T", f"sequences of {sizes.length} token ids")
    yield one_each
    letters = sizes.second_length
    yield ids((batch, sizes.length, letters), "B T _", f"sequences of {sizes.length} words of {letters} character ids")


def _features(entry: Entry, name: str, make: Maker, sizes: Sizes, is_sequence: bool) -> Iterator[Guess]:
    batch, width, place = sizes.batch, entry.width, entry.place
    length, axis = (sizes.second_length, "T2") if _SECOND.search(name) else (sizes.length, "T")
    what = f"{batch} sequences of {length} steps of {width} features"
    if entry.is_time_first:
        yield make.floats((length, batch, width), f"{axis} B _", f"{what}, time first", place)
    sequences = make.floats((batch, length, width), f"B {axis} _", what, place)
    rows = make.floats((batch, width), "B _", f"{batch} rows of {width} features", place)
    numbers = make.floats((batch, length), f"B {axis}", f"{batch} sequences of {length} numbers", place)
    likely = [sequences, *([numbers] if width == 1 else []), rows]
    yield from likely if is_sequence else reversed(likely)
    for rest in (width - size for size in entry.beside if size < width):
        shape, axes = ((batch, length, rest), f"B {axis} _") if is_sequence else ((batch, rest), "B _")
        yield make.floats(shape, axes, f"{rest} features beside an embedding of {width - rest}", place)
    for channels in (1, 3):
        side = math.isqrt(width // channels)
        if side > 4 and channels * side * side == width:
            yield _image(make, batch, channels, (side, side), place)


def _space(entry: Entry, sides: Sequence[int], make: Maker, batch: int) -> Iterator[Guess]:
    """Channels with space behind them; after those, channels last and, for a single channel, no channel axis."""
    for side in sides:
        yield _image(make, batch, entry.width, (side,) * entry.space, entry.place)
    for side in sides[:2]:
        space, axes = (side,) * entry.space, _SPACE[entry.space]
        if entry.width == 1:
            yield make.floats(
                (batch, *space), f"B {axes}", f"{batch} {_KIND[entry.space]} of {_times(space)}", entry.place
            )
        shape = (*space, entry.width)
        what = f"{batch} {_KIND[entry.space]} of {_times(shape)}, channels last"
        yield make.floats((batch, *shape), f"B {axes} _", what, entry.place)


def _image(make: Maker, batch: int, channels: int, space: tuple[int, ...], place: str) -> Guess:
    what = f"{batch} {_KIND[len(space)]} of {_times((channels, *space))}"
    return make.floats((batch, channels, *space), f"B _ {_SPACE[len(space)]}", what, place)


def _sides(model: nn.Module, entry: Entry) -> list[int]:
    """Sizes of an image: what the model says of itself, then what is usual."""
    said = [getattr(module, name, None) for module in model.modules() for name in ("image_size", "img_size")]
    own = [size[0] if isinstance(size, tuple | list) and size else size for size in said]
    digits = (28,) if entry.space == 2 and entry.width == 1 else ()
    return list(dict.fromkeys([*(size for size in own if isinstance(size, int)), *digits, *SIDES[entry.space]]))


def _without_layers(model: nn.Module, make: Maker, sizes: Sizes) -> Iterator[Guess]:
    """Rows for weights that the model holds itself; of a model without weights, whatever is usual."""
    widths = {
        size: f"`{path}` of shape {tuple(weight.shape)}"
        for path, weight in model.named_parameters()
        for size in weight.shape
    }
    for width, place in (widths or {12: "habit, as no layer takes a certain size"}).items():
        yield make.floats((sizes.batch, width), "B _", f"{sizes.batch} rows of {width} features", place)
        what = f"{sizes.batch} sequences of {sizes.length} steps of {width} features"
        yield make.floats((sizes.batch, sizes.length, width), "B T _", what, place)
    if not widths:
        yield _image(make, sizes.batch, 3, (32, 32), "habit, as no layer takes a certain size")


def _times(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes))
