"""How well memory and time are predicted: `python benchmarks/prediction.py [--device cuda] [--write]`, some minutes.

Memory: a training step of every model in `models.py` at three sizes that it was never run at. Time: on a grid of sizes
of a bidirectional LSTM, moves of twice and four times along one size; once as a session predicts that knows one point
and the runs that this brings with it, once as one that knows the whole grid but for the point itself. Times are CPU
seconds of one thread, the least of eight measurements at different moments, so that other programs disturb them less;
how far a single measurement lies from it is told too, and how far the least of one half of them from that of the other,
which no prediction can be better than. On a GPU they are the medians of its own events.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from keeping import keep, results_on
from models import CASES, Features

from shapewidget.frameworks.adapter import Effort
from shapewidget.graph.anchored import Estimate
from shapewidget.graph.costs import Measurement, StepParts, Timing
from shapewidget.probing.predictor import Predictor
from shapewidget.probing.session import Session

RESULTS = Path(__file__).parent / "results" / "prediction.json"
NAMES = ("B", "T", "hidden")
OWN = list(itertools.product((4, 8, 16, 32), (16, 32, 64), (64, 128)))
"""Where a session stands."""
GRID = list(itertools.product((4, 8, 16, 32, 64), (16, 32, 64, 128), (64, 128, 256)))
"""Where it may move."""

REPEATS = 8
CALLS = ("forward", "step")
Where = tuple[int, ...]
"""The sizes in the order of `NAMES`."""

MOVES = ({"B": 2.0}, {"T": 2.0, "wide": 0.5, "B": 0.5}, {"wide": 2.0})
"""The unseen sizes: more samples; longer sequences of narrower states; wider states."""


def memory_errors(name: str, device: str) -> dict[str, Any]:
    """Predict and measure one model at sizes that it was not run at."""
    make, inputs = CASES[name]
    session = Session(make(), inputs(), device=device)
    costs = session.costs
    started, cpu = time.perf_counter(), time.process_time()
    costs.measure({}, Effort.BRIEF)
    for _ in costs.learning():
        pass
    setup, setup_cpu = time.perf_counter() - started, time.process_time() - cpu
    errors, seconds = [], []
    for move in MOVES:
        sizes = {
            name: max(1, round(session.sizes[name] * move.get(name if name in "BT" else "wide", 1.0)))
            for name in costs.predictor.names
        }
        said = costs.predict(sizes).peak
        started = time.perf_counter()
        costs.predict(sizes)
        seconds.append(time.perf_counter() - started)
        point = costs.measure(sizes, Effort.BYTES)
        if said is None or point.memory is None:
            raise RuntimeError(f"{name} was not measured at {sizes}: {point.refusal}")
        errors.append(said.value / point.memory.peak - 1)
        costs.predictor.points.pop()  # the next size is predicted without this one
    return {"errors": errors, "setup_seconds": setup, "setup_cpu_seconds": setup_cpu, "predict_seconds": max(seconds)}


class Timed:
    """A bidirectional LSTM as wide as its features, timed at every size that is asked for."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._sessions: dict[int, Session] = {}
        self._points: dict[Where, list[Measurement]] = {}

    def session(self, width: int) -> Session:
        """One of that width."""
        if width not in self._sessions:
            self._sessions[width] = Session(Features(width, width), torch.randn(4, 16, width), device=self._device)
        return self._sessions[width]

    def at(self, sizes: Mapping[str, int]) -> Measurement:
        """The least seconds that were measured."""
        where = tuple(sizes[name] for name in NAMES)
        if where not in self._points:
            self._points[where] = []
            self._measure(where)
        return least(self._points[where])

    def _measure(self, where: Where) -> None:
        point = self.session(where[2]).costs.measure({"B": where[0], "T": where[1]}, Effort.USUAL)
        self._points[where].append(replace(point, sizes=_sizes(where)))

    def again(self) -> None:
        """Measure every point once more."""
        for where in self._points:
            self._measure(where)

    def spread(self) -> dict[str, dict[str, float]]:
        """How far single measurements are from the least, and the least of one half from that of the other."""
        single, halves = [], []
        for points, call in itertools.product(self._points.values(), CALLS):
            seconds = [taken(getattr(point, call)) for point in points]
            single += [each / min(seconds) - 1 for each in seconds]
            halves.append(min(seconds[::2]) / min(seconds[1::2]) - 1)
        return {"one measurement against the least": summary(single), "one half against the other": summary(halves)}

    def measuring(self, sizes: Mapping[str, int], _: Effort) -> Generator[None, None, Measurement]:
        """The same as a predictor asks for it."""
        yield
        return self.at({name: sizes[name] for name in NAMES})

    def predictor(self, known: Sequence[Where]) -> Predictor:
        """What a session knows that measured these points, with the runs that the first one brought with it."""
        own = _sizes(known[0])
        predictor = Predictor(own, NAMES, self.session(own["hidden"]).report.graph, step={})
        predictor.points.extend(self.at(_sizes(where)) for where in known)
        for _ in predictor.learning(self.measuring, lambda: None):
            pass
        return predictor


def taken(timing: Timing) -> float:
    """CPU seconds of one thread in place of those that went by, where they are known."""
    return timing.median if timing.cpu is None else timing.cpu


def least(points: Sequence[Measurement]) -> Measurement:
    """The least seconds of each part of several measurements at one point."""

    def of(timings: Iterable[Timing | None]) -> Timing:
        seconds = min(taken(timing) for timing in timings if timing is not None)
        return Timing(seconds, seconds, seconds, len(points), seconds)

    parts = StepParts(*map(of, zip(*(point.parts for point in points if point.parts), strict=True)))
    calls = [of(getattr(point, call) for point in points) for call in CALLS]
    return Measurement(points[0].sizes, points[0].device, *calls, None, parts=parts)


def time_errors(timed: Timed) -> dict[str, dict[str, dict[str, float]]]:
    """Errors of all moves from one point, and where all the grid but the target is known."""
    said: dict[tuple[str, str], list[tuple[Estimate, float]]] = {}
    for own, axis, factor in itertools.product(OWN, range(3), (2, 4)):
        target = tuple(size * (factor if place == axis else 1) for place, size in enumerate(own))
        if target not in GRID:
            continue
        rest = [where for where in GRID if where not in (own, target)]
        for knows, known in (("first point", [own]), ("grid known", [own, *rest])):
            prediction, measured = timed.predictor(known).at(_sizes(target)), timed.at(_sizes(target))
            for call in CALLS:
                pair = getattr(prediction, call), getattr(measured, call).median
                said.setdefault((call, knows), []).append(pair)
    return {
        f"time of a {call}": {knows: held(said[call, knows]) for knows in ("first point", "grid known")}
        for call in CALLS
    }


def held(pairs: Sequence[tuple[Estimate, float]]) -> dict[str, float]:
    """Errors of estimates, and the share of measured values that the bands hold."""
    errors = [estimate.value / seconds - 1 for estimate, seconds in pairs]
    inside = sum(estimate.lower <= seconds <= estimate.upper for estimate, seconds in pairs)
    return summary(errors) | {"in_band": inside / len(pairs), "moves": len(pairs)}


def _sizes(sizes: Where) -> dict[str, int]:
    return dict(zip(NAMES, sizes, strict=True))


def summary(errors: Sequence[float]) -> dict[str, float]:
    """Median, ninth decile and largest of some errors."""
    ranked = sorted(map(abs, errors))
    return {"median": statistics.median(ranked), "p90": ranked[int(0.9 * (len(ranked) - 1))], "worst": ranked[-1]}


def main() -> None:
    """Measure, print, and keep the figures where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RESULTS}")
    parser.add_argument("--only", default="", help="models whose name holds this, and no time")
    parser.add_argument("--device", default="cpu", help="cuda for an NVIDIA GPU, whose figures are kept apart")
    options = parser.parse_args()
    os.environ["SHAPEWIDGET_CACHE"] = ""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    memory = {}
    for name in CASES:
        if options.only in name:
            memory[name] = memory_errors(name, options.device)
            print(f"{name:28}", json.dumps(memory[name], default=lambda value: round(value, 4)), flush=True)
    every = [error for result in memory.values() for error in result["errors"]]
    figures: dict[str, object] = {"memory": {"all": summary(every), "models": memory}}
    print("memory", json.dumps(summary(every)))
    if not options.only:
        timed = Timed(options.device)
        time_errors(timed)  # asks for all the points that it needs
        for _ in range(REPEATS - 1):
            timed.again()
        figures |= {**timed.spread(), **time_errors(timed)}
        print("time", json.dumps(figures, default=str))
    if options.write:
        keep(results_on(RESULTS, options.device), figures)


if __name__ == "__main__":
    main()
