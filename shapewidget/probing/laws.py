"""The laws that runs of a model follow, fitted to those that there are.

Fitting takes tens of milliseconds, and somebody may be moving a slider meanwhile: so it goes in slices of a few, and a
prediction never waits for it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from shapewidget.graph.anchored import Anchored, Law, anchored, left_out
from shapewidget.graph.costs import Measurement, Memory, Timing
from shapewidget.graph.memory_law import fitting_memory
from shapewidget.graph.polynomials import Sizes, byte_terms
from shapewidget.graph.records import LayerGraph
from shapewidget.graph.time_law import TimeLaw, fit_time, fit_update
from shapewidget.probing.layer_laws import LayerLaws, fitting_layers
from shapewidget.probing.sizes import BATCH, TIME

DOUBT_OF_TIME, DOUBT_OF_MEMORY, DOUBT_OF_FEW = 0.05, 0.02, 0.25
"""The errors for a doubling of a size that are assumed as long as few points tell: of time, of memory, and of memory
where there are no more runs than terms, so that any values would lie on the polynomials."""

_REPEATED = 1.645 * math.sqrt(2) * 0.93
"""What nine of ten differences of two medians stay under, times the root of the repeats, in widths of the middle half.
A median's standard error is 0.93 of that width for a bell-shaped spread (McGill, Tukey and Larsen, 1978)."""

_ATTENTION = ("attention", "transformerencoderlayer", "transformerdecoderlayer")
"""Ends of the names of layers and functions that multiply a sequence with itself, in small letters."""

_TICK = 1e-9
"""Seconds that are taken for those of a call which no clock saw."""

_MOST_LEFT_OUT = 12
"""How many timed points, and how many probes, are left out in turn, which takes a fit each."""

Runs = Sequence[Measurement]
LawOfRuns = Callable[[Runs], Law]


@dataclass(frozen=True)
class Laws:
    """What the runs so far tell; a part is None until they do.

    Attributes:
        memory: The bytes in their parts.
        peak: Their sum with its band.
        forward: Seconds of a forward pass.
        step: Seconds of a training step.
        layers: The bytes and seconds of the layers.
    """

    memory: Callable[[Sizes], Memory] | None = None
    peak: Anchored | None = None
    forward: Anchored | None = None
    step: Anchored | None = None
    layers: LayerLaws | None = None


class Fitting:
    """Fits the laws of one model.

    Args:
        names: The sizes that can be moved.
        graph: The model's graph with its axes solved.
    """

    def __init__(self, names: Sequence[str], graph: LayerGraph) -> None:
        self._names = tuple(names)
        self._attention, self._bends = has_attention(graph), _bends(names, graph)

    def slices(self, points: Runs, probes: Runs) -> Generator[None, None, Laws]:
        """Fit all laws.

        Args:
            points: Runs that were asked for.
            probes: Runs that were made to predict from.
        """
        forward = yield from self._timed(points, probes, lambda run: run.forward, self._law_of_passes)
        step = yield from self._timed(points, probes, lambda run: run.step, self._law_of_steps)
        memory, peak = yield from self._bytes(points, [*points, *probes])
        layers = yield from fitting_layers(points, probes, self._names, self._bends)
        return Laws(memory, peak, forward, step, layers)

    def _bytes(
        self, points: Runs, runs: Runs
    ) -> Generator[None, None, tuple[Callable[[Sizes], Memory] | None, Anchored | None]]:
        told = [run for run in runs if run.memory is not None and run.forward_timeline]
        if any(len({run.sizes[name] for run in told}) < 2 for name in self._names):
            return None, None  # of a size that was the same in all runs nobody can say what it does
        law = yield from fitting_memory(runs, self._names, self._bends)
        if law is None:
            return None, None
        peaks = [(self._named(run), float(run.memory.peak)) for run in points or runs if run.memory is not None]

        def peak(sizes: Sizes) -> float:
            return law.at(sizes).peak

        errors = [error for place in range(len(peaks)) for error in left_out(peaks, place, peak)]
        doubt = DOUBT_OF_MEMORY if len(told) > len(byte_terms(self._names)) else DOUBT_OF_FEW
        return law.at, anchored(peak, peaks, errors=errors, doubt=doubt)

    def _timed(
        self, points: Runs, probes: Runs, call: Callable[[Measurement], Timing | None], law: LawOfRuns
    ) -> Generator[None, None, Anchored | None]:
        """The law of the threads' own seconds, set right by those that went by, which are what a person waits for."""
        points, probes = ([run for run in runs if call(run) is not None] for runs in (points, probes))
        runs = [*points, *probes]
        if len(runs) <= len(self._names):
            return None
        worked = self._working([call(run) for run in runs], runs)
        waited = [(self._named(run), timing.median) for run in points if (timing := call(run))]
        errors: list[float] = []
        for place in (*_some(range(len(points))), *_some(range(len(points), len(runs)))):
            without = law([*runs[:place], *runs[place + 1 :]])
            errors += left_out(worked, place, without)
            if place < len(points):
                errors += left_out(waited, place, without)
            yield
        noise = statistics.median(_noise(timing) for run in points or runs if (timing := call(run)))
        return anchored(law(runs), waited, errors=errors, doubt=DOUBT_OF_TIME, noise=noise)

    def _law_of_passes(self, runs: Runs) -> Law:
        return self._fitted([run.forward for run in runs], runs).at

    def _law_of_steps(self, runs: Runs) -> Law:
        """The sum of the laws of its parts: they follow the sizes each in a way of its own."""
        parts = [run.parts for run in runs if run.parts is not None]
        if len(parts) < len(runs):
            return self._fitted([run.step for run in runs], runs).at
        forward = self._fitted([part.forward for part in parts], runs)
        backward = self._fitted([part.backward for part in parts], runs)
        update = fit_update(self._working([part.update for part in parts], runs), self._names)
        return lambda sizes: forward.at(sizes) + backward.at(sizes) + update.at(sizes)

    def _fitted(self, timings: Sequence[Timing | None], runs: Runs) -> TimeLaw:
        return fit_time(self._working(timings, runs), self._names, attention=self._attention)

    def _working(self, timings: Sequence[Timing | None], runs: Runs) -> list[tuple[Sizes, float]]:
        """The threads' own seconds, which other programs disturb less than those that went by."""
        timed = zip(runs, timings, strict=True)
        return [(self._named(run), timing.cpu or timing.median or _TICK) for run, timing in timed if timing is not None]

    def _named(self, run: Measurement) -> dict[str, int]:
        return {name: run.sizes[name] for name in self._names}


def _some(places: range) -> range:
    """No more than are left out in turn, spread evenly."""
    return places[:: max(1, math.ceil(len(places) / _MOST_LEFT_OUT))]


def _noise(timing: Timing) -> float:
    """How far another median of as many repeats may lie from this one, as a logarithm."""
    spread = math.log(timing.upper / timing.lower) if timing.lower else 0.0
    return _REPEATED * spread / math.sqrt(timing.repeats)


def _bends(names: Sequence[str], graph: LayerGraph) -> list[tuple[str, int]]:
    """Where a hidden size outgrows the input of a recurrent layer, which shares a buffer with it."""
    others = [name for name in names if name not in (BATCH, TIME)]
    fixed = {
        declared.size
        for layer in graph.layers
        for declared in layer.declared
        if declared.name == "input_size" and declared.dim is not None and not {*others} & declared.dim.names
    }
    return [(name, size) for name in others for size in sorted(fixed)]


def has_attention(graph: LayerGraph) -> bool:
    """Whether a tensor has two axes of the sequence, or a layer is one that keeps such a tensor to itself."""
    return any(
        layer.type.lower().endswith(_ATTENTION)
        or any([str(dim) for dim in spec.dims or ()].count(TIME) > 1 for spec in (*layer.inputs, *layer.outputs))
        for layer in graph.layers
    )
