"""What a model would cost at sizes that it was not run at, learnt from the runs that there are.

The first run brings a few more with it for the time, at larger sizes of shorter sequences, so that none takes longer
than the first. Then come small ones for the memory, whose timelines tell how every operation's bytes follow the sizes.
Every run that is made for another reason is learnt from too, and what was learnt is kept for the next session.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shapewidget.errors import ShapeWidgetError
from shapewidget.frameworks.adapter import Effort
from shapewidget.frameworks.slices import finished
from shapewidget.graph.anchored import Estimate
from shapewidget.graph.costs import LayerCost, Measurement, Memory, Timing
from shapewidget.graph.records import LayerGraph
from shapewidget.probing.laws import Fitting, Laws, has_attention
from shapewidget.probing.sizes import BATCH, TIME

Sizes = Mapping[str, int]
Measure = Callable[[Sizes, Effort], Generator[None, None, Measurement]]
Slices = Generator[None, None, None]

_LONGEST_PROBE = 1.0
"""Seconds of a training step beyond which no run is made that nobody asked for."""

_FIRST = 3
"""After how many runs there is a first prediction: one for each size of most models."""

_GROWTHS = (2, 4)
"""How many times larger a size is in the runs for the time."""

_SHORTEST_TIMED, _SHORTEST_START = 16, 8
"""Steps of a sequence; shorter ones are all start and no work. One run may be shorter, to tell the start."""

_HEAVIEST_PROBE = 2**26
"""Bytes of weights of a run that nobody asked for."""

_PLAN = (
    (2, 16, 1.0), (4, 16, 1.0), (2, 32, 1.0), (2, 16, 0.5), (4, 32, 0.5), (2, 16, 2.0), (8, 16, 2.0), (2, 64, 0.5),
    (4, 16, 0.5), (8, 64, 1.0), (2, 32, 2.0), (8, 32, 0.5), (4, 64, 2.0), (16, 16, 1.0),
)  # fmt: skip
"""Batch, sequence and share of the hidden size of the small runs: as many as bytes have terms, and two over."""

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
        self._fitting = Fitting(names, graph)
        self._laws: Laws | None = None
        self._fitted = 0
        self.points: list[Measurement] = []
        self.probes: list[Measurement] = list(kept)

    def add(self, point: Measurement) -> None:
        """Learn from a run that was asked for."""
        finished(self.adding(point))

    def adding(self, point: Measurement) -> Slices:
        """The same in slices; where it is closed before its end, the run counts from the next one on."""
        self.points.append(point)
        yield from self._refit()

    def learning(self, measure: Measure, told: Callable[[], None]) -> Slices:
        """Make the runs that are still missing, the most telling first, one call of the model a slice.

        Args:
            measure: Makes a run.
            told: Called when predictions became better: after three runs, whenever there are twice as many, and at
                the end.
        """
        for sizes, effort in self._plan():
            try:
                run = yield from measure({**self._own, **sizes}, effort)
            except ShapeWidgetError:
                continue
            if effort is Effort.BRIEF:  # for its time; loops of so few steps tell too little of the bytes
                run = replace(run, forward_timeline=(), step_timeline=())
            self.probes.append(run)
            if self._count >= max(2 * self._fitted, _FIRST + 1):
                yield from self._refit()
                told()
        if self._count > self._fitted:
            yield from self._refit()
            told()

    @property
    def _count(self) -> int:
        return len(self.points) + len(self.probes)

    def _refit(self) -> Slices:
        count = self._count
        self._laws = yield from self._fitting.slices(self.points, self.probes)
        self._fitted = count

    def _plan(self) -> Iterator[tuple[dict[str, int], Effort]]:
        """Some for the time, then some for the memory, then the others; none of a model that runs too long, or not."""
        first = next((point for point in self.points if point.forward is not None), None)
        if first is None or (first.step or first.forward or Timing(0, 0, 0, 0)).median > _LONGEST_PROBE:
            return
        done = [{name: run.sizes[name] for name in self.names} for run in (*self.points, *self.probes)]
        here = {name: first.sizes[name] for name in self.names}
        timed = [(sizes, Effort.BRIEF) for sizes in self._telling(first)]
        sized = [(sizes, Effort.BYTES) for sizes in (*self._near(here), *self._small()) if first.forward_timeline]
        planned: list[tuple[dict[str, int], Effort]] = []
        for run in (*timed[:_FIRST], *sized[:_FIRST], *timed[_FIRST:], *sized[_FIRST:]):
            if run[0] not in done and run not in planned:
                planned.append(run)
                yield run

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
        for growth, name in itertools.product(_GROWTHS, (name for name in self.names if name != short)):
            dearer = growth if name == BATCH else growth**2
            if name == BATCH or weights * dearer <= _HEAVIEST_PROBE:
                yield {**here, name: growth * here[name], short: shares[dearer]}
        if (
            has_attention(self._graph) and BATCH in here and TIME in here
        ):  # what grows with its square shows in long ones
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

    def layers(self, sizes: Sizes) -> dict[str, LayerCost]:
        """What the layers would cost at these sizes, by their id in the graph, as far as the runs tell."""
        laws = self._known()
        return laws.layers.at(sizes, laws.forward) if laws.layers and laws.forward else {}

    def at(self, sizes: Sizes) -> Prediction:
        """The prediction at these sizes; parts are None until enough was run."""
        laws = self._known()
        forward, step, peak = (None if law is None else law.at(sizes) for law in (laws.forward, laws.step, laws.peak))
        memory = _with_peak(laws.memory(sizes), round(peak.value)) if laws.memory and peak else None
        return Prediction(dict(sizes), memory, peak, forward, step)

    def _known(self) -> Laws:
        if self._laws is None:  # runs of an earlier session
            finished(self._refit())
        return self._laws or Laws()


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
