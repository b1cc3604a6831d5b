"""What checking a loader costs, as a multiple of going through it.

Every check is paired with a plain pass right before it, and CPU time of the process is counted, so that a busy machine
does not tell for or against. The median of the ratios is what counts; on a machine that is shared, the ratio of the
fastest runs says more. Seconds are printed for orientation.

    python benchmarks/loaders.py [--rounds 15] [--batches 10000]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from keeping import keep
from torch.utils.data import DataLoader, TensorDataset

import shapewidget

BUDGET = 1.1
RESULTS = Path(__file__).parent / "results" / "loaders.json"


def seconds(call: Callable[[], object]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def passed(loader: Iterable[object]) -> int:
    """Go through a loader and count its batches."""
    return sum(1 for _ in loader)


def loaders(batches: int) -> dict[str, DataLoader[object]]:
    """Loaders of so many batches of 32 samples: rows of numbers, and token ids with padding."""
    samples = 32 * batches
    rows = TensorDataset(torch.randn(samples, 16), torch.zeros(samples, dtype=torch.int64))
    ids = TensorDataset(torch.randint(0, 9, (samples, 40)), torch.zeros(samples, dtype=torch.int64))
    return {
        "rows": DataLoader(rows, batch_size=32),
        "token ids, shuffled": DataLoader(ids, batch_size=32, shuffle=True),
    }


def measured(loader: DataLoader[object], rounds: int) -> dict[str, float]:
    """The ratio of a check to a pass: median and quartiles over the rounds, and that of the fastest of each."""
    ratios, times, passes = [], [], []
    passed(loader)
    for _ in range(rounds):
        passes.append(seconds(lambda: passed(loader)))
        times.append(seconds(lambda: shapewidget.check_loader(loader)))
        ratios.append(times[-1] / passes[-1])
    lower, median, upper = statistics.quantiles(ratios, n=4)
    fastest = min(times) / min(passes)
    return {"ratio": median, "lower": lower, "upper": upper, "fastest": fastest, "seconds": statistics.median(times)}


def main() -> None:
    """Measure, print, and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batches", type=int, default=10_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {name: measured(loader, options.rounds) for name, loader in loaders(options.batches).items()}
    for name, result in results.items():
        quartiles = f"({result['lower']:.3f} to {result['upper']:.3f})"
        print(
            f"{name:22} {result['ratio']:.3f} {quartiles}, fastest {result['fastest']:.3f}  {result['seconds']:.2f} s"
        )
    figures = {
        "batches": options.batches,
        "rounds": options.rounds,
        "budget": BUDGET,
        "results": results,
    }
    keep(RESULTS, figures)


if __name__ == "__main__":
    main()
