"""A plan for 10,000 points on 100 workers: messages are measured, the run is simulated.

python benchmarks/scaling.py
"""

from __future__ import annotations

import heapq
import json
import pickle
import random
import time

import torch

from shapewidget import zoo
from shapewidget.probing.program import program, run_packed
from shapewidget.probing.remote import OUTSTANDING

POINTS, WORKERS, LOSSES = 10_000, 100, 25
SPREAD = 0.8
"""Standard deviation of the logarithm of a point's seconds: large points take many times as long as small ones."""


def messages() -> dict[str, float]:
    """Bytes that go there and back for a BiLSTM tagger on 32 sentences of 100 words, and seconds of a point."""
    subject = program(
        zoo.BiLSTMTagger(), torch.randint(0, 5000, (32, 100)), targets=None, loss=None, axes=None, build=None,
        optimizer=None, step=None, device=None, training=True, seed=0,
    )  # fmt: skip
    message, point = subject.packed(), {"B": 32, "T": 100, "hidden": 128}
    run_packed(message, point)
    started = time.process_time()
    result = run_packed(message, point)
    return {
        "program_bytes": len(message),
        "weights_that_are_not_sent_bytes": sum(weight.nbytes for weight in subject.model.parameters()),
        "point_bytes": len(pickle.dumps(point)),
        "result_bytes": len(pickle.dumps(result)),
        "point_seconds": time.process_time() - started,
    }


def simulated(seconds: float) -> dict[str, float]:
    """Hand points out as the sweep does, to workers some of which are lost and come back empty-handed."""
    chance = random.Random(0)
    durations = [seconds * chance.lognormvariate(0, SPREAD) for _ in range(POINTS)]
    lost = set(chance.sample(range(POINTS), LOSSES))
    waiting, busy, now, worked, again = list(range(POINTS))[::-1], [], 0.0, 0.0, 0
    while waiting or busy:
        while waiting and len(busy) < WORKERS:
            place = waiting.pop()
            share = chance.random() if place in lost else 1.0
            heapq.heappush(busy, (now + share * durations[place], place))
            worked += share * durations[place]
        now, place = heapq.heappop(busy)
        if place in lost:
            lost.remove(place)
            waiting.insert(0, place)
            again += 1
    return {"hours": now / 3600, "workers_busy": worked / (now * WORKERS), "points_run_again": again}


def main() -> None:
    """Print what is sent, how large, and what a scheduler sees."""
    torch.set_num_threads(1)
    sizes = messages()
    sent = POINTS * (sizes["program_bytes"] + sizes["point_bytes"])
    plan = {
        "sent_megabytes": sent / 1e6,
        "returned_megabytes": POINTS * sizes["result_bytes"] / 1e6,
        "held_by_the_scheduler_megabytes": OUTSTANDING * (sizes["program_bytes"] + sizes["result_bytes"]) / 1e6,
        **simulated(sizes["point_seconds"]),
    }
    plan["points_per_second"] = POINTS / (plan["hours"] * 3600)
    print(json.dumps({"messages": sizes, "plan": plan}, indent=1))


if __name__ == "__main__":
    main()
