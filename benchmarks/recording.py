"""What recording a run, and a whole probe, cost as multiples of the plain forward pass, beside torchinfo.

Every recorded run is paired with a plain run right before it, and the tools take turns, so that a busy machine slows
both sides of a ratio alike; processor time is what is measured. The median of the ratios is what counts. Every model
has a process of its own: what another one leaves on the heap slows whatever makes many small objects (1000 modules
cost 4.7 behind the others, and 4.3 alone).

    python benchmarks/recording.py [--rounds 20] [--threads 1]
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torchinfo
import transformers
from torch import nn

import shapewidget
from shapewidget import zoo
from shapewidget.frameworks.torch.adapter import TorchAdapter

RESULTS = Path(__file__).parent / "results" / "recording.json"
SHORT = 0.010
"""Seconds of a forward pass below which a whole probe has a budget of its own, in seconds."""

PROBE_RATIO, PROBE_SECONDS = 8.0, 0.5


class Case(NamedTuple):
    """A model, its inputs, and what recording it may cost as a multiple of its forward pass, if that was agreed on."""

    model: nn.Module
    inputs: Any
    budget: float | None


def bilstm() -> Case:
    """A bidirectional tagger at batch 32, length 100 and hidden size 256."""
    return Case(zoo.BiLSTMTagger(emb=256, hidden=256), torch.randint(0, 5000, (32, 100)), 1.05)


def bert() -> Case:
    """BERT-base at batch 4 and length 64, its weights random."""
    return Case(transformers.BertModel(transformers.BertConfig()), torch.randint(0, 30_000, (4, 64)), 1.12)


def t5() -> Case:
    """T5-small at batch 4 and length 64, its weights random."""
    ids = torch.randint(0, 30_000, (4, 64))
    return Case(transformers.T5Model(transformers.T5Config()), {"input_ids": ids, "decoder_input_ids": ids}, 1.3)


def resnet() -> Case:
    """ResNet-50 on four pictures of 224 by 224, its weights random."""
    return Case(transformers.ResNetModel(transformers.ResNetConfig()), torch.randn(4, 3, 224, 224), None)


def many() -> Case:
    """A thousand tiny modules in a row."""
    pairs = [(nn.Linear(64, 64), nn.ReLU()) for _ in range(500)]
    return Case(nn.Sequential(*[layer for pair in pairs for layer in pair]), torch.randn(7, 64), 4.5)


CASES = {
    "BiLSTM 32x100x256": bilstm,
    "BERT-base 4x64": bert,
    "T5-small 4x64": t5,
    "ResNet-50 4x224": resnet,
    "1000 modules": many,
}


def seconds(call: Callable[[], object]) -> float:
    """Processor time of one call in this thread, without the garbage of the calls before it."""
    gc.collect()
    start = time.thread_time()
    call()
    return time.thread_time() - start


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
    versions = {name: metadata.version(name) for name in ("torch", "torchinfo", "transformers")}
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


def costs(name: str, rounds: int, threads: int) -> dict[str, Any]:
    """Of one model: recording and torchinfo as multiples of its forward pass, and a whole probe."""
    torch.set_num_threads(threads)
    model, inputs, budget = CASES[name]()
    model.eval()
    adapter = TorchAdapter()
    batch = adapter.batch(model, inputs, None, None, None)

    @torch.no_grad()
    def plain() -> None:
        model(**inputs) if isinstance(inputs, dict) else model(inputs)

    tools = {
        "plain forward, again": plain,
        "shapewidget": lambda: adapter.record(model, batch, None),
        "torchinfo": lambda: torchinfo.summary(model, input_data=inputs, verbose=0),
    }
    results = measured(plain, tools, rounds)
    probe = measured(plain, {"probe": lambda: shapewidget.probe(model, inputs)}, max(rounds // 4, 2))["probe"]
    forward = results["plain forward, again"]["seconds"]
    allowed = {"ratio": PROBE_RATIO} if forward > SHORT else {"seconds": PROBE_SECONDS}
    return {"budget": budget, "recording": results, "probe": probe, "probe_budget": allowed}


def main() -> None:
    """Measure, print a table and write it to `benchmarks/results/recording.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()

    report: dict[str, Any] = {"rounds": options.rounds, "machine": machine(options.threads), "models": {}}
    print(f"{'':20}{'forward':>10}{'recording':>11}{'budget':>8}{'torchinfo':>11}{'probe':>8}{'s':>7}")
    processes = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1)
    for name in CASES:
        found = report["models"][name] = processes.submit(costs, name, options.rounds, options.threads).result()
        ran, probe = found["recording"], found["probe"]
        milliseconds = f"{1000 * ran['plain forward, again']['seconds']:.1f} ms"
        budget = f"{found['budget']:8.2f}" if found["budget"] else f"{'':8}"
        ratios = f"{ran['shapewidget']['ratio']:11.2f}{budget}{ran['torchinfo']['ratio']:11.2f}"
        print(f"{name:20}{milliseconds:>10}{ratios}{probe['ratio']:8.1f}{probe['seconds']:7.2f}", flush=True)

    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
