"""How well memory and time are predicted: `python benchmarks/prediction.py [--write]`, a few minutes on a quiet CPU.

Memory: a training step of every model in `models.py` at three sizes that it was never run at. Time: on a grid of sizes
of a bidirectional LSTM, moves of twice and four times along one size; once as a session predicts that knows one point
and those at half of each size, once as one that knows the whole grid but for the point itself. Times are CPU seconds of
one thread, so that other programs disturb them less.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from models import CASES, Features

from shapewidget.frameworks.adapter import Effort
from shapewidget.graph.anchored import anchored
from shapewidget.graph.costs import Measurement
from shapewidget.graph.time_law import fit_time
from shapewidget.probing.predictor import DOUBT_OF_TIME
from shapewidget.probing.session import Session

RESULTS = Path(__file__).parent / "results" / "prediction.json"
NAMES = ("B", "T", "hidden")
Where = tuple[int, ...]
"""The sizes in the order of `NAMES`."""

MOVES = ({"B": 2.0}, {"T": 2.0, "wide": 0.5, "B": 0.5}, {"wide": 2.0})
"""The unseen sizes: more samples; longer sequences of narrower states; wider states."""


def memory_errors(name: str) -> dict[str, Any]:
    """Predict and measure one model at sizes that it was not run at."""
    make, inputs = CASES[name]
    session = Session(make(), inputs())
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


def measured_grid() -> list[Measurement]:
    """A bidirectional LSTM as wide as its features, at 60 sizes."""
    points = []
    for width in (64, 128, 256):
        session = Session(Features(width, width), torch.randn(4, 16, width))
        for batch, length in itertools.product((4, 8, 16, 32, 64), (16, 32, 64, 128)):
            points.append(session.costs.measure({"B": batch, "T": length}, Effort.USUAL))
    return points


def time_errors(seconds: Mapping[Where, float], knows_grid: bool) -> dict[str, float]:
    """Errors of all moves, and the share of them that the band holds."""
    errors, held = [], []
    for own, axis, factor in itertools.product(seconds, range(3), (2, 4)):
        target = _scaled(own, axis, factor)
        known = [own, *(_scaled(own, half, 0.5) for half in range(3))]
        if target not in seconds or not all(point in seconds for point in known):
            continue
        if knows_grid:
            known = [point for point in seconds if point != target]
        points = [(_sizes(point), seconds[point]) for point in known]
        law = fit_time(points, NAMES).at
        said = anchored(law, points if knows_grid else points[:1], doubt=DOUBT_OF_TIME).at(_sizes(target))
        errors.append(abs(said.value / seconds[target] - 1))
        held.append(said.lower <= seconds[target] <= said.upper)
    return summary(errors) | {"in_band": sum(held) / len(held), "moves": len(errors)}


def _scaled(sizes: Where, axis: int, factor: float) -> Where:
    return tuple(int(size * (factor if place == axis else 1)) for place, size in enumerate(sizes))


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
    options = parser.parse_args()
    os.environ["SHAPEWIDGET_CACHE"] = ""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    memory = {}
    for name in CASES:
        if options.only in name:
            memory[name] = memory_errors(name)
            print(f"{name:28}", json.dumps(memory[name], default=lambda value: round(value, 4)), flush=True)
    every = [error for result in memory.values() for error in result["errors"]]
    figures: dict[str, object] = {"memory": {"all": summary(every), "models": memory}}
    print("memory", json.dumps(summary(every)))
    if not options.only:
        points = measured_grid()
        for call in ("forward", "step"):
            seconds = {
                tuple(point.sizes[name] for name in NAMES): getattr(point, call).cpu
                for point in points
                if getattr(point, call) is not None
            }
            figures[f"time of a {call}"] = {
                "first point": time_errors(seconds, knows_grid=False),
                "grid known": time_errors(seconds, knows_grid=True),
            }
            print(call, json.dumps(figures[f"time of a {call}"]))
    if options.write:
        machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()}
        versions = {"python": platform.python_version(), "torch": torch.__version__}
        RESULTS.write_text(json.dumps({"machine": machine, "versions": versions, **figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
