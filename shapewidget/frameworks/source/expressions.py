"""A size as the user would write it: ``2 * hidden`` and not 512."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from shapewidget.frameworks.source.arithmetic import is_size
from shapewidget.graph.dims import Dim

_FACTORS = (2, 3, 4, 8)


def expressions(
    value: object, dim: Dim | None, names: Mapping[str, object], preferred: Collection[str] = ()
) -> Iterator[str]:
    """Source texts that come to a value, the most telling first; the plain value is always the last.

    Args:
        value: The value.
        dim: The size as solved over several runs; its own names win where they are in scope and agree.
        names: Values of the names in scope.
        preferred: Names that stood there before, and so are the likeliest to be meant.
    """
    seen: dict[str, None] = {}
    if is_size(value):
        assert isinstance(value, int)
        sizes = {name: size for name, size in names.items() if isinstance(size, int) and is_size(size) and size > 1}
        if dim is not None and not dim.is_constant and dim.at(sizes) == value:
            seen[_written(dim)] = None
        ranked = sorted(sizes, key=lambda name: (name not in preferred, "." in name))
        seen |= dict.fromkeys(_unified(value, {name: sizes[name] for name in ranked}, preferred))
    seen[repr(value)] = None
    yield from seen


def _unified(value: int, sizes: Mapping[str, int], preferred: Collection[str]) -> Iterator[str]:
    """Combinations of sizes in scope; those of small numbers fit anything, so only preferred names are multiplied."""
    likely = {name: size for name, size in sizes.items() if name in preferred}
    yield from (name for name, size in likely.items() if size == value)
    yield from (f"{factor} * {name}" for factor in _FACTORS for name, size in likely.items() if factor * size == value)
    yield from (name for name, size in sizes.items() if size == value)
    yield from (f"{name} // {factor}" for factor in (2, 4) for name, size in likely.items() if size == factor * value)
    pairs = list(itertools.combinations(sizes, 2))
    yield from (f"{one} + {two}" for one, two in pairs if sizes[one] + sizes[two] == value and {one, two} & set(likely))
    yield from (f"{factor} * {name}" for factor in _FACTORS for name, size in sizes.items() if factor * size == value)
    yield from (f"{one} + {two}" for one, two in pairs if sizes[one] + sizes[two] == value)
    yield from (f"{one} * {two}" for one, two in pairs if sizes[one] * sizes[two] == value)


def _written(dim: Dim) -> str:
    """A dim in Python."""
    if dim.factors:
        own = [] if dim.offset == 1 and not dim.terms else [_written(replace(dim, factors=()))]
        return " * ".join(own + [f"({_written(factor)})" for factor in dim.factors])
    parts = [_term(factor, names) for factor, names in dim.terms]
    total = " + ".join(parts) + (f" + {dim.offset}" if dim.offset else "")
    total = total.replace("+ -", "- ")
    if dim.divisor == 1:
        return total
    is_product = len(parts) == 1 and not dim.offset and not total.startswith("-")
    return f"{total} // {dim.divisor}" if is_product else f"({total}) // {dim.divisor}"


def _term(factor: int, names: tuple[str, ...]) -> str:
    product = " * ".join(names)
    return product if factor == 1 else f"-{product}" if factor == -1 else f"{factor} * {product}"
