"""What recording a run costs, beside torchinfo, as a multiple of the plain forward pass.

Every recorded run is paired with a plain run right before it, and the tools take turns, so that a busy machine slows
both sides of a ratio alike. The median of the ratios is what counts; seconds are printed for orientation.

    python benchmarks/recording.py [--rounds 30] [--threads 1]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import torch
import torchinfo

from shapewidget import zoo
from shapewidget.frameworks.torch.adapter import TorchAdapter

BATCH, LENGTH, HIDDEN = 32, 100, 256
BUDGET = 1.1
RESULTS = Path(__file__).parent / "results" / "recording.json"


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measured(
    plain: Callable[[], object], tools: dict[str, Callable[[], object]], rounds: int
) -> dict[str, dict[str, float]]:
    """The ratio of every tool to the plain run in front of it: median and quartiles over the rounds."""
    for call in (plain, *tools.values()):
        call()
    ratios: dict[str, list[float]] = {name: [] for name in tools}
    times: dict[str, list[float]] = {name: [] for name in tools}
    for _ in range(rounds):
        for name, call in tools.items():
            before = seconds(plain)
            times[name].append(seconds(call))
            ratios[name].append(times[name][-1] / before)
    return {name: summary(ratios[name], times[name]) for name in tools}


def summary(ratios: list[float], times: list[float]) -> dict[str, float]:
    """What is kept of one tool's rounds."""
    lower, median, upper = statistics.quantiles(ratios, n=4)
    return {"ratio": median, "lower": lower, "upper": upper, "seconds": statistics.median(times)}


def machine(threads: int) -> dict[str, object]:
    """Where the numbers were taken."""
    versions = {name: metadata.version(name) for name in ("torch", "torchinfo")}
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "python": platform.python_version(),
        **versions,
    }


def processor() -> str:
    """The name of the processor, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def main() -> None:
    """Measure, print a table and write it to `benchmarks/results/recording.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    model = zoo.BiLSTMTagger(emb=HIDDEN, hidden=HIDDEN).eval()
    adapter = TorchAdapter()
    ids = torch.randint(0, 5000, (BATCH, LENGTH))
    batch = adapter.batch(model, ids, None, None, None)

    @torch.no_grad()
    def plain() -> None:
        model(ids)

    tools = {
        "plain forward, again": plain,
        "shapewidget": lambda: adapter.record(model, batch, None),
        "torchinfo": lambda: torchinfo.summary(model, input_data=ids, verbose=0),
    }
    results = measured(plain, tools, options.rounds)
    print(f"BiLSTM tagger, batch {BATCH}, length {LENGTH}, hidden {HIDDEN}; median of {options.rounds} paired rounds")
    print(f"{'':22}{'ratio':>8}{'quartiles':>18}{'ms':>9}")
    for name, result in results.items():
        spread = f"{result['lower']:.3f} to {result['upper']:.3f}"
        print(f"{name:22}{result['ratio']:8.3f}{spread:>18}{1000 * result['seconds']:9.1f}")
    ratio = results["shapewidget"]["ratio"]
    print(f"budget: {BUDGET} of a forward; {'kept' if ratio <= BUDGET else 'NOT kept'} with {ratio:.3f}")

    report = {
        "model": f"BiLSTMTagger {BATCH}x{LENGTH}x{HIDDEN}",
        "rounds": options.rounds,
        "budget": BUDGET,
        "results": results,
        "machine": machine(options.threads),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
