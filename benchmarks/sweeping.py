"""What a sweep of a BiLSTM and a move of a slider cost: `python benchmarks/sweeping.py [--device cuda] [--write]`.

Seconds are those of the clock and of the processor, as other programs on the machine lengthen the first. A sweep is
cancelled from another thread, as a click arrives from a page, at moments spread over its run. On a GPU one batch of the
sweep is far too large, and the points behind it have to be measured all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from keeping import keep, results_on

import shapewidget
from shapewidget import zoo
from shapewidget.notebook import plots
from shapewidget.notebook.predicted import curve_sizes
from shapewidget.probing.session import Session
from shapewidget.probing.sweep import Sweep

RESULTS = Path(__file__).parent / "results" / "sweeping.json"
GRID = {"batch_size": [8, 16, 32, 64], "hidden_size": [64, 128]}
CANCELS = 8
TOO_LARGE = 2**22


def clocked(call: Callable[[], object]) -> dict[str, float]:
    """Seconds of one call, by the clock and by the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}


def cancelled(run: Callable[..., Sweep], after: float) -> float:
    """Seconds from a request to end a sweep to its end."""
    asked: list[float] = []

    def stop(sweep: Sweep) -> None:
        def cancel() -> None:
            asked.append(time.perf_counter())
            sweep.cancel()

        if not asked and len(sweep.points) == 1:
            threading.Timer(after, cancel).start()

    sweep = run(observer=stop)
    if not sweep.is_cancelled:
        raise RuntimeError("The sweep ended before it was cancelled.")
    return time.perf_counter() - asked[0]


def redrawn(model: torch.nn.Module, tokens: torch.Tensor) -> dict[str, float]:
    """One move of a slider: both figures with their predicted curves, as JSON for the page."""
    session = Session(model, tokens)
    point = session.costs.measure({})
    for _ in session.costs.learning():
        pass
    axis, here = plots.SizeAxis("B", "batch size"), session.sizes

    def draw() -> None:
        curve = [session.costs.predict({**here, "B": size}) for size in curve_sizes([here["B"]], 2 * here["B"])]
        plots.memory_figure([point], axis, {**here, "B": 2 * here["B"]}, curve, session.costs.capacity).to_json()
        plots.timing_figure([point], axis, {**here, "B": 2 * here["B"]}, curve).to_json()

    draw()
    return {
        name: statistics.median(each[name] for each in [clocked(draw) for _ in range(15)]) for name in clocked(draw)
    }


def survived(model: torch.nn.Module, tokens: torch.Tensor) -> list[bool]:
    """Whether each of three points of a sweep fitted, the second of which needs more memory than there is."""
    swept = shapewidget.sweep(model, tokens, batch_size=[8, TOO_LARGE, 16], sequence_length=4096, progress=False)
    return [point.fits and not point.refusal for point in swept.points]


def main() -> None:
    """Measure, print, and keep the figures where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RESULTS}")
    parser.add_argument("--device", default="cpu", help="cuda for an NVIDIA GPU, whose figures are kept apart")
    options = parser.parse_args()
    os.environ["SHAPEWIDGET_CACHE"] = ""
    torch.set_num_threads(1)
    model, tokens = zoo.BiLSTMTagger().to(options.device), torch.randint(0, 5000, (32, 100), device=options.device)

    def run(**more: object) -> Sweep:
        return shapewidget.sweep(model, tokens, progress=False, **GRID, **more)

    figures = {
        "first sweep of 8 points": clocked(run),
        "another": clocked(run),
        "seconds from cancel to end": sorted(cancelled(run, 0.05 * place) for place in range(CANCELS)),
        "a slider's move, redrawn": redrawn(model, tokens),
    }
    if options.device != "cpu":
        figures["points that fit, of which the second is too large"] = survived(model, tokens)
    print(json.dumps(figures, indent=1))
    if options.write:
        keep(results_on(RESULTS, options.device), figures)


if __name__ == "__main__":
    main()
