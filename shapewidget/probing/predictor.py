"""What a model would cost at sizes that it was not run at, learnt from the runs that there are.

The first run brings a few more with it for the time, at larger sizes of shorter sequences, so that none takes longer
than the first. Then come small ones for the memory, whose timelines tell how every operation's bytes follow the sizes.
Every run that is made for another reason is learnt from too, and what was learnt is kept for the next session.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shapewidget.errors import ShapeWidgetError
from shapewidget.frameworks.adapter import Effort
from shapewidget.graph.anchored import Anchored, Estimate, Law, anchored, left_out
from shapewidget.graph.costs import Measurement, Memory, Timing
from shapewidget.graph.memory_law import fit_memory
from shapewidget.graph.records import LayerGraph
from shapewidget.graph.time_law import TimeLaw, fit_time, fit_update
from shapewidget.probing.sizes import BATCH, TIME

Sizes = Mapping[str, int]
Measure = Callable[[Sizes, Effort], Generator[None, None, Measurement]]
LawOfRuns = Callable[[Sequence[Measurement]], Law]

DOUBT_OF_TIME, DOUBT_OF_MEMORY = 0.2, 0.02
"""The errors for a doubling of a size that are assumed as long as few points tell."""

_LONGEST_PROBE = 1.0
"""Seconds of a training step beyond which no run is made that nobody asked for."""

_GROWTHS = (2, 4)
"""How many times larger a size is in the runs for the time."""

_SHORTEST_TIMED, _SHORTEST_START = 16, 8
"""Steps of a sequence; shorter ones are all start and no work. One run may be shorter, to tell the start."""

_ATTENTION = ("attention", "transformerencoderlayer", "transformerdecoderlayer")
"""Ends of the names of layers and functions that multiply a sequence with itself, in small letters."""

_TICK = 1e-9
"""Seconds that are taken for those of a call which no clock saw."""

_HEAVIEST_PROBE = 2**26
"""Bytes of weights of a run that nobody asked for."""

_PLAN = (
    (2, 16, 1.0), (4, 16, 1.0), (2, 32, 1.0), (2, 16, 0.5), (4, 32, 0.5), (2, 16, 2.0), (8, 16, 2.0), (2, 64, 0.5),
    (4, 16, 0.5), (8, 64, 1.0), (2, 32, 2.0), (8, 32, 0.5), (4, 64, 2.0), (16, 16, 1.0),
)  # fmt: skip
"""Batch, sequence and share of the hidden size of the small runs: as many as bytes have terms, and two over."""

_MOST_ANCHORS = 12
"""How many timed points, the newest, set a prediction right: each is left out once, which takes a fit."""

_WIDEST, _MULTIPLE = 1024, 16
_SHORTEST_PLANNED = 64
_LONG_LOOP = 16
"""Steps from which on the parts of a loop are much alike, of a batch that makes them count."""


@dataclass(frozen=True)
class Prediction:
    """What a run would cost.

    Attributes:
        sizes: The named sizes.
        memory: The bytes in their parts; None where the device does not tell.
        peak: Their sum with its band.
        forward: Seconds of a forward pass; None where none was timed.
        step: Seconds of a training step.
    """

    sizes: Sizes
    memory: Memory | None = None
    peak: Estimate | None = None
    forward: Estimate | None = None
    step: Estimate | None = None


class Predictor:
    """Predicts the costs of one model on one machine.

    Args:
        own: The sizes that it was probed at.
        names: Those of them that can be moved.
        graph: The model's graph with its axes solved.
        step: What a size has to be a multiple of, by its name; 1 where it is not there.
        kept: Runs of earlier sessions, which tell how costs follow the sizes, but not what they are today.

    Attributes:
        points: Runs that were asked for.
        probes: Runs that were made to predict from.
    """

    def __init__(
        self,
        own: Sizes,
        names: Sequence[str],
        graph: LayerGraph,
        *,
        step: Mapping[str, int],
        kept: Iterable[Measurement] = (),
    ) -> None:
        self.names = tuple(names)
        self._own, self._graph, self._step = dict(own), graph, step
        self.points: list[Measurement] = []
        self.probes: list[Measurement] = list(kept)

    def add(self, point: Measurement) -> None:
        """Learn from a run that was asked for."""
        self._learn(self.points, point)

    def _learn(self, runs: list[Measurement], run: Measurement) -> None:
        runs.append(run)
        for law in ("_bytes", "_forward", "_training"):
            self.__dict__.pop(law, None)

    def learning(self, measure: Measure) -> Generator[None, None, None]:
        """Make the runs that are still missing, the most telling first, one call of the model a slice."""
        for sizes, effort in self._plan():
            try:
                run = yield from measure({**self._own, **sizes}, effort)
            except ShapeWidgetError:
                continue
            if effort is Effort.BRIEF:  # for its time; loops of so few steps tell too little of the bytes
                run = replace(run, forward_timeline=(), step_timeline=())
            self._learn(self.probes, run)

    def _plan(self) -> Iterator[tuple[dict[str, int], Effort]]:
        """Nothing for a model that does not run, or runs too long."""
        first = next((point for point in self.points if point.forward is not None), None)
        if first is None or (first.step or first.forward or Timing(0, 0, 0, 0)).median > _LONGEST_PROBE:
            return
        done = [{name: run.sizes[name] for name in self.names} for run in (*self.points, *self.probes)]
        here = {name: first.sizes[name] for name in self.names}
        for sizes in self._telling(first):
            if sizes not in done:
                yield sizes, Effort.BRIEF
        for small in (*self._near(here), *self._small()) if first.forward_timeline else ():
            if small not in done:
                done.append(small)
                yield small, Effort.BYTES

    def _telling(self, first: Measurement) -> Iterator[dict[str, int]]:
        """Runs that show what larger sizes do to the time, shorter by as much as the size makes them dearer.

        Time follows the length of a sequence nearly in proportion, so that short ones tell of long ones. Kernels are
        another matter: how well they use the machine depends on the batch and on the width.
        """
        here = {name: first.sizes[name] for name in self.names}
        short = next((name for name in (TIME, BATCH) if name in here), None)
        if short is None:
            yield from ({**here, name: self._rounded(name, size / 2)} for name, size in here.items())
            return

        least = _SHORTEST_TIMED if short == TIME else 1
        shares = {dearer: min(here[short], max(least, here[short] // dearer)) for dearer in (2, 4, 16)}
        yield {**here, short: _shorter(here[short], shares[4]) if short == TIME else shares[4]}
        if short == BATCH:
            yield {**here, short: 2 * here[short]}
        weights = first.memory.parameters if first.memory is not None else 0
        for name, growth in itertools.product((name for name in self.names if name != short), _GROWTHS):
            dearer = growth if name == BATCH else growth**2
            if name == BATCH or weights * dearer <= _HEAVIEST_PROBE:
                yield {**here, name: growth * here[name], short: shares[dearer]}
        if self._has_attention and BATCH in here and TIME in here:  # what grows with its square shows in long ones
            for growth in _GROWTHS:
                yield {**here, TIME: growth * here[TIME], BATCH: max(1, here[BATCH] // growth**2)}

    def _near(self, here: Mapping[str, int]) -> Iterator[dict[str, int]]:
        """Runs for the memory of about the size of the first, as kernels differ between small sizes and large ones."""
        halves = {name: self._rounded(name, size / 2) for name, size in here.items()}
        yield from ({**here, name: half} for name, half in halves.items())
        if BATCH in here and TIME in here:
            wide = {BATCH: 2 * here[BATCH], TIME: _shortened(here[TIME] // 2)}
            yield from ({**here, **wide}, {**halves, **wide})
            if here[TIME] // 4 >= _LONG_LOOP:
                yield {**halves, BATCH: 4 * here[BATCH], TIME: _shortened(here[TIME] // 4)}

    def _small(self) -> Iterator[dict[str, int]]:
        for batch, length, share in _PLAN:
            sizes = {}
            for name in self.names:
                if name == BATCH:
                    sizes[name] = batch
                elif name == TIME:
                    sizes[name] = _shortened(length * min(self._own[name], _SHORTEST_PLANNED) // _SHORTEST_PLANNED)
                else:
                    wide = 2 * self._own[name] > _WIDEST
                    sizes[name] = self._rounded(name, self._own[name] * share / (2 if wide else 1), _MULTIPLE)
            yield sizes

    def _rounded(self, name: str, size: float, multiple: int = 1) -> int:
        unit = math.lcm(self._step.get(name, 1), multiple)
        return max(1, round(size / unit)) * unit

    def at(self, sizes: Sizes) -> Prediction:
        """The prediction at these sizes; parts are None until enough was run."""
        forward = self._forward.at(sizes) if self._forward is not None else None
        step = self._training.at(sizes) if self._training is not None else None
        if self._bytes is None:
            return Prediction(dict(sizes), None, None, forward, step)
        law, peaks = self._bytes
        memory, peak = law(sizes), peaks.at(sizes)
        return Prediction(dict(sizes), _with_peak(memory, round(peak.value)), peak, forward, step)

    @functools.cached_property
    def _bytes(self) -> tuple[Callable[[Sizes], Memory], Anchored] | None:
        runs = [*self.points, *self.probes]
        told = [run for run in runs if run.memory is not None and run.forward_timeline]
        if any(len({run.sizes[name] for run in told}) < 2 for name in self.names):
            return None  # of a size that was the same in all runs nobody can say what it does
        law = fit_memory(runs, self.names, self._bends())
        peaks = [(self._named(run), float(run.memory.peak)) for run in self.points or runs if run.memory is not None]
        if law is None:
            return None

        def peak(sizes: Sizes) -> float:
            return law.at(sizes).peak

        errors = left_out(peaks, [peak] * len(peaks))
        return law.at, anchored(peak, peaks, errors=errors, doubt=DOUBT_OF_MEMORY)

    @functools.cached_property
    def _forward(self) -> Anchored | None:
        return self._timed(lambda run: run.forward, lambda runs: self._fitted([run.forward for run in runs], runs).at)

    @functools.cached_property
    def _training(self) -> Anchored | None:
        return self._timed(lambda run: run.step, self._law_of_steps)

    def _law_of_steps(self, runs: Sequence[Measurement]) -> Law:
        """The sum of the laws of its parts: they follow the sizes each in a way of its own."""
        parts = [run.parts for run in runs if run.parts is not None]
        if len(parts) < len(runs):
            return self._fitted([run.step for run in runs], runs).at
        forward = self._fitted([part.forward for part in parts], runs)
        backward = self._fitted([part.backward for part in parts], runs)
        update = fit_update(self._working([part.update for part in parts], runs), self.names)
        return lambda sizes: forward.at(sizes) + backward.at(sizes) + update.at(sizes)

    def _fitted(self, timings: Sequence[Timing | None], runs: Sequence[Measurement]) -> TimeLaw:
        return fit_time(self._working(timings, runs), self.names, attention=self._has_attention)

    def _working(self, timings: Sequence[Timing | None], runs: Sequence[Measurement]) -> list[tuple[Sizes, float]]:
        """The threads' own seconds, which other programs disturb less than those that went by."""
        timed = zip(runs, timings, strict=True)
        return [(self._named(run), timing.cpu or timing.median or _TICK) for run, timing in timed if timing is not None]

    def _timed(self, call: Callable[[Measurement], Timing | None], law: LawOfRuns) -> Anchored | None:
        """The law of the threads' own seconds, set right by those that went by, which are what a person waits for."""
        points, probes = ([run for run in runs if call(run) is not None] for runs in (self.points, self.probes))
        runs = [*points, *probes]
        if len(runs) <= len(self.names):
            return None
        asked = range(len(points))[-_MOST_ANCHORS:]
        tried = [*asked, *range(len(points), len(runs))[-_MOST_ANCHORS:]]
        without = {place: law([*runs[:place], *runs[place + 1 :]]) for place in tried}
        waited = [(self._named(run), timing.median) for run in points if (timing := call(run))][-_MOST_ANCHORS:]
        worked = self._working([call(runs[place]) for place in tried], [runs[place] for place in tried])
        errors = left_out(worked, [*without.values()]) + left_out(waited, [without[place] for place in asked])
        return anchored(law(runs), waited, errors=errors, doubt=DOUBT_OF_TIME)

    def _named(self, run: Measurement) -> dict[str, int]:
        return {name: run.sizes[name] for name in self.names}

    def _bends(self) -> list[tuple[str, int]]:
        """Where a hidden size outgrows the input of a recurrent layer, which shares a buffer with it."""
        others = [name for name in self.names if name not in (BATCH, TIME)]
        fixed = {
            declared.size
            for layer in self._graph.layers
            for declared in layer.declared
            if declared.name == "input_size" and declared.dim is not None and not {*others} & declared.dim.names
        }
        return [(name, size) for name in others for size in sorted(fixed)]

    @functools.cached_property
    def _has_attention(self) -> bool:
        """Whether a tensor has two axes of the sequence, or a layer is one that keeps such a tensor to itself."""
        return any(
            layer.type.lower().endswith(_ATTENTION)
            or any([str(dim) for dim in spec.dims or ()].count(TIME) > 1 for spec in (*layer.inputs, *layer.outputs))
            for layer in self._graph.layers
        )


def _shorter(length: int, share: int) -> int:
    """A part of a sequence that differs from it, also where it is short itself."""
    return share if share < length else max(_SHORTEST_START, length // 2)


def _shortened(length: int) -> int:
    """Where it can be a multiple of 8, as loops are cut by it."""
    return length // 8 * 8 or max(1, length)


def _with_peak(memory: Memory, peak: int) -> Memory:
    """The parts set right, so that they add up to a peak: what is not known exactly takes the difference."""
    fixed = memory.parameters + memory.gradients + memory.optimizer_state
    loose = memory.activations + memory.workspace
    factor = max(0.0, (peak - fixed) / loose) if loose else 1.0
    return replace(memory, activations=round(memory.activations * factor), workspace=round(memory.workspace * factor))
