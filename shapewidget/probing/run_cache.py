"""What was learnt of a model on a machine, kept for the next session.

Runs are kept in one JSON file for each model and machine, in the user's cache folder. The environment variable
SHAPEWIDGET_CACHE names another folder; empty, nothing is kept. A file that cannot be read or written is as good as
none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shapewidget.graph.costs import LayerCost, Measurement, Memory, Segment, StepParts, Timing
from shapewidget.graph.records import LayerGraph

FORMAT = 3
"""Raised when older files can no longer be read."""

MOST_RUNS = 100
VARIABLE = "SHAPEWIDGET_CACHE"


def key_of(graph: LayerGraph, machine: str, names: Sequence[str], others: object) -> str:
    """What a model and a machine have in common with those whose runs may be used again.

    Args:
        graph: The model's layers, with sizes as expressions, so that it is the same at all sizes.
        machine: The device, and the framework with its version.
        names: The sizes that can be moved.
        others: What else makes a run what it is: other arguments, loss, optimiser.
    """
    fixed = {name: size for name, size in graph.sizes.items() if name not in names}
    layers = [
        (layer.id, layer.type, [(size.name, str(size.dim or size.size)) for size in layer.declared])
        for layer in graph.layers
    ]
    return hashlib.sha256(repr((FORMAT, graph.title, layers, fixed, machine, others)).encode()).hexdigest()[:32]


class RunCache:
    """The kept runs of one model on one machine.

    Args:
        key: Of `key_of`.
    """

    def __init__(self, key: str) -> None:
        folder = os.environ.get(VARIABLE)
        if folder is None:
            folder = str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "shapewidget"))
        self._path = Path(folder, f"{key}.json") if folder else None

    def load(self) -> list[Measurement]:
        """The kept runs, oldest first."""
        if self._path is None:
            return []
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            return [_read(run) for run in json.loads(self._path.read_text(encoding="utf-8"))]
        return []

    def store(self, runs: Iterable[Measurement]) -> None:
        """Keep the newest of these runs instead of those that are there."""
        if self._path is None:
            return
        kept = [_written(run) for run in runs if run.memory is not None or run.forward is not None][-MOST_RUNS:]
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(kept), encoding="utf-8")
            draft.replace(self._path)


def _written(run: Measurement) -> dict[str, Any]:
    return {
        "sizes": dict(run.sizes),
        "device": run.device,
        "forward": asdict(run.forward) if run.forward else None,
        "step": asdict(run.step) if run.step else None,
        "memory": asdict(run.memory) if run.memory else None,
        "forward_timeline": run.forward_timeline,
        "step_timeline": run.step_timeline,
        "layers": run.layers,
        "parts": [asdict(part) for part in run.parts] if run.parts else None,
    }


def _read(run: dict[str, Any]) -> Measurement:
    forward, step, memory = run["forward"], run["step"], run["memory"]
    return Measurement(
        run["sizes"],
        run["device"],
        Timing(**forward) if forward else None,
        Timing(**step) if step else None,
        Memory(**memory) if memory else None,
        layers={id_: LayerCost(*cost) for id_, cost in run["layers"].items()},
        forward_timeline=tuple(Segment(*segment) for segment in run["forward_timeline"]),
        step_timeline=tuple(Segment(*segment) for segment in run["step_timeline"]),
        parts=StepParts(*(Timing(**part) for part in run["parts"])) if run["parts"] else None,
    )
