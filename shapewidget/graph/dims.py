"""Sizes of tensor axes as expressions of named sizes: ``2·hidden``, ``B·T``, ``(T-6)//4``.

A few runs of one program at different sizes give a few numbers for every axis of every tensor; `solve` finds the
expression that gives all of them. The candidates go from the plainest to the most involved and the first that fits
wins, so the sizes of the runs have to differ independently of one another.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

Sizes = Mapping[str, int]
Observation = tuple[Sizes, int]
Monomial = tuple[str, ...]

LARGEST_FACTOR = 64
"""Largest multiple or divisor that a single observation may suggest: beyond it numbers fit by accident."""

MOST_NAMES = 4
"""Of how many names sums of products are tried: with more of them some sum fits anything."""


@dataclass(frozen=True, slots=True)
class Dim:
    """``(sum of coefficient·monomial + offset) // divisor``, times further factors.

    Attributes:
        terms: (coefficient, names) pairs; the names of a monomial are sorted and may repeat.
        offset: The constant summand. A dim with no terms is that constant.
        divisor: What the sum is floor-divided by.
        known: False when the runs allow no expression, as for a size that depends on the data.
        factors: Dims with an offset or a divisor of their own that this one is multiplied by: ``B·(H-2)``.
    """

    terms: tuple[tuple[int, Monomial], ...] = ()
    offset: int = 0
    divisor: int = 1
    known: bool = True
    factors: tuple[Dim, ...] = ()

    @property
    def is_constant(self) -> bool:
        """Whether the size is one number whatever the named sizes are."""
        return self.known and not self.terms and not self.factors

    @property
    def names(self) -> frozenset[str]:
        """The named sizes that the expression depends on."""
        own = frozenset(name for _, monomial in self.terms for name in monomial)
        return own.union(*(factor.names for factor in self.factors))

    def at(self, sizes: Sizes) -> int | None:
        """The size when the named sizes are `sizes`; None when the dim is unknown or a name has no size."""
        if not self.known or not self.names <= sizes.keys():
            return None
        total = sum(factor * math.prod(sizes[name] for name in monomial) for factor, monomial in self.terms)
        others = math.prod(factor.at(sizes) or 0 for factor in self.factors)
        return (total + self.offset) // self.divisor * others

    def __str__(self) -> str:
        if not self.known:
            return "?"
        if self.factors:
            own = str(replace(self, factors=()))
            return "·".join(([] if own == "1" else [own]) + [f"({factor})" for factor in self.factors])
        if not self.terms:
            return str(self.offset)
        body = "".join(_signed(factor, monomial) for factor, monomial in self.terms).removeprefix("+")
        body += f"{self.offset:+d}" if self.offset else ""
        if self.divisor == 1:
            return body
        is_one_name = len(self.terms) == 1 and not self.offset and self.terms[0] == (1, self.terms[0][1][:1])
        return f"{body}//{self.divisor}" if is_one_name else f"({body})//{self.divisor}"


UNKNOWN = Dim(known=False)


def constant(size: int) -> Dim:
    """The dim that is `size` at any sizes."""
    return Dim(offset=size)


def symbol(name: str) -> Dim:
    """The dim that is the named size itself."""
    return Dim(terms=((1, (name,)),))


def _signed(factor: int, monomial: Monomial) -> str:
    sign = "-" if factor < 0 else "+"
    digits = "" if abs(factor) == 1 else f"{abs(factor)}·"
    return sign + digits + "·".join(monomial)


def _value(monomial: Monomial, sizes: Sizes) -> int:
    return math.prod(sizes[name] for name in monomial)


def _proportional(observations: Sequence[Observation], monomial: Monomial) -> Dim | None:
    """``n·monomial`` or ``monomial//n``."""
    sizes, size = observations[0]
    ratio = Fraction(size, _value(monomial, sizes))
    if ratio <= 0 or ratio.numerator > LARGEST_FACTOR or ratio.denominator > LARGEST_FACTOR:
        return None
    if ratio.numerator != 1 and ratio.denominator != 1:
        return None
    dim = Dim(((ratio.numerator, monomial),), divisor=ratio.denominator)
    exact = all(Fraction(size, _value(monomial, sizes)) == ratio for sizes, size in observations)
    return dim if exact else None


def _affine(observations: Sequence[Observation], monomial: Monomial) -> Dim | None:
    """``n·monomial + offset``; needs three runs, as two points lie on a line whatever they are."""
    if len(observations) < 3:
        return None
    (first, one), (second, two) = observations[:2]
    run = _value(monomial, first) - _value(monomial, second)
    if run == 0 or (one - two) % run or one == two:
        return None
    slope = (one - two) // run
    if abs(slope) > LARGEST_FACTOR:
        return None
    dim = Dim(((slope, monomial),), offset=one - slope * _value(monomial, first))
    return dim if _fits(dim, observations) else None


def _floored(observations: Sequence[Observation], name: str) -> Dim | None:
    """``(name + offset)//divisor``: what a stack of strided convolutions and poolings leaves of a length."""
    for divisor in range(2, LARGEST_FACTOR + 1):
        low = max(size * divisor - sizes[name] for sizes, size in observations)
        high = min(size * divisor + divisor - 1 - sizes[name] for sizes, size in observations)
        if low <= high:
            return Dim(((1, (name,)),), offset=min(range(low, high + 1), key=abs), divisor=divisor)
    return None


def _sum_of_two(observations: Sequence[Observation], monomials: Sequence[Monomial]) -> Dim | None:
    """``a·m1 + b·m2 + offset`` with small whole a and b."""
    if len(observations) < 3:
        return None
    for left, right in itertools.combinations(monomials, 2):
        for a, b in ((1, 1), (1, -1), (-1, 1), (2, 1), (1, 2), (2, 2)):
            sizes, size = observations[0]
            offset = size - a * _value(left, sizes) - b * _value(right, sizes)
            dim = Dim(((a, left), (b, right)), offset=offset)
            if _fits(dim, observations):
                return dim
    return None


def _fits(dim: Dim, observations: Sequence[Observation]) -> bool:
    return all(dim.at(sizes) == size for sizes, size in observations)


def _monomials(names: Sequence[str]) -> Iterator[Monomial]:
    """Single names, then products of two, then of three different names: the plain ones first."""
    for degree in (1, 2, 3):
        for monomial in itertools.combinations_with_replacement(sorted(names), degree):
            if degree < 3 or len(set(monomial)) == 3:
                yield monomial


def solve(observations: Sequence[Observation], hints: Sequence[Dim] = ()) -> Dim:
    """The plainest expression that gives every observed size.

    Args:
        observations: (named sizes, observed size) of every run.
        hints: Dims to try first: those of the operation's own inputs, and the sizes that its layer declares.

    Returns:
        The dim, or `UNKNOWN` when nothing of a form that neural networks compute fits.
    """
    if not observations:
        return UNKNOWN
    names = list(observations[0][0])
    varied = [name for name in names if len({sizes[name] for sizes, _ in observations}) > 1]
    observed = {size for _, size in observations}
    if len(observed) == 1 and varied:
        return constant(observed.pop())
    fitting = [hint for hint in hints if hint.known and hint.names <= set(names) and _fits(hint, observations)]
    hint = min(fitting, key=lambda dim: bool(dim.factors), default=None)
    if hint is not None and not hint.factors:
        return hint
    settings = tuple(tuple(sorted(sizes.items())) for sizes, _ in observations)
    found = _plainest(settings, tuple(size for _, size in observations), tuple(varied or names), tuple(varied))
    if hint is not None and (found is None or not _is_plain(found)):
        return hint
    if found is None and len(observed) == 1:
        return constant(observed.pop())
    return found or UNKNOWN


@functools.lru_cache(maxsize=8192)
def _plainest(
    settings: tuple[tuple[tuple[str, int], ...], ...],
    seen: tuple[int, ...],
    names: tuple[str, ...],
    varied: tuple[str, ...],
) -> Dim | None:
    """The first candidate that fits. Remembered, as most axes of a model have one of a few sizes."""
    observations = [(dict(setting), size) for setting, size in zip(settings, seen, strict=True)]
    monomials = list(_monomials(names))
    plain = [monomial for monomial in monomials if len(monomial) == 1]
    attempts = itertools.chain(
        (_proportional(observations, monomial) for monomial in monomials),
        (_affine(observations, monomial) for monomial in plain),
        (_floored(observations, name) for name in varied),
        (_sum_of_two(observations, plain) for _ in (0,)),
        (_affine(observations, monomial) for monomial in monomials if len(monomial) == 2),
        (_sum_of_two(observations, monomials) for _ in range(len(names) <= MOST_NAMES)),
    )
    return next((dim for dim in attempts if dim is not None), None)


def product(dims: Sequence[Dim]) -> Dim:
    """The dim of several axes merged into one; unknown when one of them is."""
    if not all(dim.known for dim in dims):
        return UNKNOWN
    parts = [part for dim in dims for part in (replace(dim, factors=()), *dim.factors)]
    plain, others = [part for part in parts if _is_plain(part)], [part for part in parts if not _is_plain(part)]
    number = math.prod(part.terms[0][0] if part.terms else part.offset for part in plain)
    names = tuple(sorted(name for part in plain for _, monomial in part.terms for name in monomial))
    if number == 1 and not names and len(others) == 1:
        return others[0]
    whole = Dim(((number, names),)) if names else constant(number)
    return replace(whole, factors=tuple(sorted(others, key=str)))


def _is_plain(dim: Dim) -> bool:
    """Whether it is a number, or a number times named sizes."""
    return dim.divisor == 1 and (not dim.terms or (len(dim.terms) == 1 and not dim.offset))
