"""What following a training loop costs it, as a share of its steps, in processor time.

The cost of a call is the median difference between short epochs that are followed from their first call on and epochs
that are not, in turn, of the loop with the shortest steps; that of a recording, and of a rest, is taken by itself. A
long run of every loop then counts the calls that were looked at, the recordings and the rests, and all are set against
the loop's own time. The ratio of whole runs is printed too: on a machine that does other things meanwhile it scatters
by more than it is to show.

    python benchmarks/live.py [--rounds 41]
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import torch
from keeping import keep
from torch import nn

from shapewidget.notebook.live_switch import LiveSwitch
from shapewidget.probing.live import BURST, Live
from shapewidget.probing.session import Session

BUDGET = 0.02
SECONDS_OF_A_RUN = 0.5
"""Longer than a rest."""
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


def recording_seconds(recordings: int = 200) -> float:
    """What one recording takes, with what the switch says of it."""
    live, batches = Live(LiveSwitch(lambda _: None).say), [torch.randn(size, 16) for size in range(1, recordings + 1)]
    start = time.process_time()
    for place, batch in enumerate(batches):
        live.record(place, (batch,), is_odd=False)
    return (time.process_time() - start) / recordings


def rest_seconds(rests: int = 200) -> float:
    """What it takes to start a timer and to end its thread."""
    start = time.process_time()
    for _ in range(rests):
        timer = threading.Timer(0.0, int)
        timer.start()
        timer.join()
    return (time.process_time() - start) / rests


def call_seconds(model: nn.Module, batches: list[torch.Tensor], rounds: int) -> float:
    """What a call takes longer while the model has its hook, and is looked at."""
    session, optimizer = Session(model, batches[0]), torch.optim.SGD(model.parameters(), lr=1e-3)
    batches = batches[: BURST - 1]
    differences = []
    for _ in range(rounds):
        plain, live = epoch(model, batches, optimizer), Live()
        stop = session.follow(live.called)
        differences.append((epoch(model, batches, optimizer) - plain) / len(batches))
        stop()
    return statistics.median(differences)


class Counted(Live):
    """Counts how often it rested."""

    rests = 0

    def called(self, inputs: Any, told: float = 0.0) -> float:
        """As any other."""
        rest = super().called(inputs, told)
        self.rests += rest > 0
        return rest


def measured(model: nn.Module, batches: list[torch.Tensor], rounds: int) -> dict[str, float]:
    """Seconds of a step, calls looked at, recordings and rests a second, and the ratio of followed runs to others."""
    session, optimizer = Session(model, batches[0]), torch.optim.SGD(model.parameters(), lr=1e-3)
    live = Counted(LiveSwitch(lambda _: None).say)
    epoch(model, batches, optimizer)
    epochs = max(1, round(SECONDS_OF_A_RUN / epoch(model, batches, optimizer)))
    followed, plain = [], []
    for _ in range(rounds):
        plain.append(sum(epoch(model, batches, optimizer) for _ in range(epochs)))
        stop = session.follow(live.called)
        followed.append(sum(epoch(model, batches, optimizer) for _ in range(epochs)))
        stop()
    lower, median, upper = statistics.quantiles([a / b for a, b in zip(followed, plain, strict=True)], n=4)
    seconds = sum(followed)
    return {
        "ratio": median,
        "lower": lower,
        "upper": upper,
        "step_seconds": statistics.median(plain) / epochs / len(batches),
        "calls_a_second": live.count / seconds,
        "recordings_a_second": len(live.batches) / seconds,
        "rests_a_second": live.rests / seconds,
    }


def main() -> None:
    """Measure, print, and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {name: measured(*loop, options.rounds) for name, loop in loops().items()}
    call, recording, rest = call_seconds(*loops()["rows"], 4 * options.rounds), recording_seconds(), rest_seconds()
    print(f"a call {1e6 * call:.1f} µs, a recording {1e6 * recording:.0f} µs, a rest {1e6 * rest:.0f} µs")
    for name, result in results.items():
        result["share"] = sum(
            seconds * result[times + "s_a_second"]
            for seconds, times in ((call, "call"), (recording, "recording"), (rest, "rest"))
        )
        whole = f"{result['ratio']:.3f} ({result['lower']:.3f} to {result['upper']:.3f})"
        step = f"{1e6 * result['step_seconds']:,.0f} µs a step"
        print(f"{name:10} {100 * result['share']:.2f}% of {step}; whole epochs {whole}")
    figures = {
        "rounds": options.rounds,
        "budget": BUDGET,
        "call_seconds": call,
        "recording_seconds": recording,
        "rest_seconds": rest,
        "results": results,
    }
    keep(RESULTS, figures)


if __name__ == "__main__":
    main()
