"""What following a training loop costs it: the same epochs with and without the live switch, as a ratio.

Epochs take turns, so that a machine that gets slower meanwhile does not tell for or against, and processor time is
counted. The median of the ratios is what counts; on a machine that is shared, the ratio of the fastest runs says more.
What the recorder itself took, by its own clock, is printed beside it.

    python benchmarks/live.py [--rounds 101]
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from importlib import metadata
from pathlib import Path

import torch
from torch import nn

from shapewidget.notebook.live_switch import LiveSwitch
from shapewidget.probing.live import Live
from shapewidget.probing.session import Session

BUDGET = 1.02
RESULTS = Path(__file__).parent / "results" / "live.json"


class Tagger(nn.Module):
    """A bidirectional LSTM over token ids, with a head on every step."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(500, 64)
        self.rnn = nn.LSTM(64, 128, batch_first=True, bidirectional=True)
        self.head = nn.Linear(256, 10)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Scores, a row for each step."""
        return self.head(self.rnn(self.embedding(ids))[0])  # type: ignore[no-any-return]


def loops() -> dict[str, tuple[nn.Module, list[torch.Tensor]]]:
    """Models, and the batches of an epoch, the last of which is short. The first has as short a step as there is."""
    lines = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
    pictures = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(256, 10))
    return {
        "rows": (lines, [torch.randn(size, 16) for size in [32] * 300 + [7]]),
        "pictures": (pictures, [torch.randn(size, 3, 32, 32) for size in [16] * 40 + [5]]),
        "token ids": (Tagger(), [torch.randint(1, 500, (size, 40)) for size in [16] * 10 + [5]]),
    }


def epoch(model: nn.Module, batches: list[torch.Tensor], optimizer: torch.optim.Optimizer) -> float:
    """Processor time of one epoch."""
    start = time.process_time()
    for batch in batches:
        optimizer.zero_grad()
        model(batch).square().mean().backward()
        optimizer.step()
    return time.process_time() - start


def measured(model: nn.Module, batches: list[torch.Tensor], rounds: int) -> dict[str, float]:
    """The ratio of an epoch that is followed to one that is not: median and quartiles, and that of the fastest."""
    session, optimizer = Session(model, batches[0]), torch.optim.SGD(model.parameters(), lr=1e-3)
    live = Live(LiveSwitch(lambda _: None).say)
    followed, plain = [], []

    def follow() -> None:
        stop = session.follow(live.called)
        followed.append(epoch(model, batches, optimizer))
        stop()

    epoch(model, batches, optimizer)
    for turn in range(rounds):
        if turn % 2:
            follow()
        plain.append(epoch(model, batches, optimizer))
        if not turn % 2:
            follow()
    ratios = [one / other for one, other in zip(followed, plain, strict=True)]
    lower, median, upper = statistics.quantiles(ratios, n=4)
    return {
        "ratio": median,
        "lower": lower,
        "upper": upper,
        "fastest": min(followed) / min(plain),
        "own_share": live.seconds / sum(followed),
        "microseconds_a_step": 1e6 * statistics.median(plain) / len(batches),
    }


def main() -> None:
    """Measure, print, and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=101)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {name: measured(*loop, options.rounds) for name, loop in loops().items()}
    for name, result in results.items():
        quartiles = f"({result['lower']:.3f} to {result['upper']:.3f})"
        step = f"{result['microseconds_a_step']:,.0f} µs a step"
        own = f"fastest {result['fastest']:.3f}, own share {result['own_share']:.4f}"
        print(f"{name:10} {result['ratio']:.3f} {quartiles}, {own}, {step}")
    kept = {
        "rounds": options.rounds,
        "budget": BUDGET,
        "results": results,
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
    }
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    main()
