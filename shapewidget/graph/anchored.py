"""A law set right by what was measured, with a band that says how far it can be trusted.

Near a measured point a law's error is that of the point. So the prediction is the law times the ratio of measured to
said, averaged over the points by how near they are; at a measured point it is that point. The band comes from leaving
every point out in turn, and widens with the distance to the nearest one.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_NEAR = 0.5
"""Doublings of sizes that every distance is taken to be longer, as two runs at one point differ too."""

_ENOUGH, _LEAST = 8, 0.005
"""How many points tell an error by themselves, and the smallest that is believed."""

_WIDTH = 0.9
"""Of the error that nine of ten points stay under: a law that lacks one of its few runs errs more than the one that is
used. Found on a grid of a bidirectional LSTM, measured twice."""

Law = Callable[[Mapping[str, int]], float]
Point = tuple[Mapping[str, int], float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A predicted value, and the band that should hold nine measured ones of ten.

    Attributes:
        value: Seconds or bytes.
        lower: Lower end of the band.
        upper: Upper end of the band.
    """

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Anchored:
    """A law and the points that it is set right by.

    Attributes:
        law: Seconds or bytes at given sizes.
        points: The measured ones.
        ratios: Logarithm of measured by said, of every point.
        slack: Error for a doubling of a size, as a logarithm.
        noise: How far one measurement lies from another of the same, as a logarithm.
    """

    law: Law
    points: Sequence[Point]
    ratios: Sequence[float]
    slack: float
    noise: float = 0.0

    def at(self, sizes: Mapping[str, int]) -> Estimate:
        """The prediction at these sizes."""
        correction, distance = _correction(sizes, self.points, self.ratios)
        value = self.law(sizes) * math.exp(correction)
        spread = math.exp(min(math.hypot(self.slack * (distance + _NEAR), self.noise) if distance else 0.0, 5.0))
        return Estimate(value, value / spread, value * spread)


def anchored(
    law: Law, points: Sequence[Point], *, errors: Sequence[float], doubt: float, noise: float = 0.0
) -> Anchored:
    """Set a law right by points.

    Args:
        law: What was fitted to all runs.
        points: Sizes and measured values.
        errors: Those for a doubling that `left_out` tells.
        doubt: The one that is assumed as long as few are told.
        noise: How far one measurement lies from another of the same, as a logarithm.
    """
    known = [(sizes, value) for sizes, value in points if value > 0 and law(sizes) > 0]
    return Anchored(law, known, [math.log(value / law(sizes)) for sizes, value in known], _slack(errors, doubt), noise)


def left_out(points: Sequence[Point], place: int, law: Law) -> list[float]:
    """Error for a doubling of a size, as a logarithm, of one point predicted from the others; empty where none is told.

    Args:
        points: Sizes and measured values.
        place: Of the one.
        law: What was fitted without it, or to all where one point hardly moves it.
    """
    sizes, value = points[place]
    others = [point for index, point in enumerate(points) if index != place]
    rest = [(where, measured) for where, measured in others if measured > 0 and law(where) > 0]
    if not rest or value <= 0 or law(sizes) <= 0:
        return []
    correction, distance = _correction(sizes, rest, [math.log(measured / law(where)) for where, measured in rest])
    return [abs(math.log(value / law(sizes)) - correction) / (distance + _NEAR)]


def doublings(sizes: Mapping[str, int], where: Mapping[str, int]) -> float:
    """How many doublings of a size lie between two points; the root of the sum of squares of all sizes."""
    return math.sqrt(sum(math.log2(sizes[name] / where[name]) ** 2 for name in where))


def _correction(sizes: Mapping[str, int], points: Sequence[Point], ratios: Sequence[float]) -> tuple[float, float]:
    """The ratio at these sizes, and how many doublings away the nearest point is."""
    distances = [doublings(sizes, where) for where, _ in points]
    if not distances:
        return 0.0, 2.0
    nearest = min(distances)
    if not nearest:
        return ratios[distances.index(0.0)], 0.0
    weights = [1 / distance**2 for distance in distances]
    return sum(map(float.__mul__, weights, ratios)) / sum(weights), nearest


def _slack(errors: Sequence[float], doubt: float) -> float:
    """The error that nine of ten points stay under; while few are told, doubts make up their number."""
    known = [*errors, *([doubt] * (_ENOUGH - len(errors)))]
    return max(_LEAST, _WIDTH * statistics.quantiles(known, n=10, method="inclusive")[-1])
