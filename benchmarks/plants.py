"""How many planted mistakes are found where they were planted, by kind.

    python benchmarks/plants.py [--each 10]

Every kind of mistake is planted into programs of random sizes; the seeds are fixed. Written to
`benchmarks/results/plants.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import shapewidget
from shapewidget.diagnosis.findings import Severity

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from plants import KINDS, Draw, Plant

RESULTS = Path(__file__).parent / "results" / "plants.json"


def told(plant: Plant) -> tuple[bool, bool]:
    """Whether anything is found above a note, and whether it is at the mistake."""
    report = shapewidget.probe(plant.model, plant.inputs, **plant.more)
    alarms = [it for it in report.findings if it.severity is not Severity.NOTE]
    return bool(alarms), any({it.layer, it.op} & set(plant.places) for it in alarms)


def main() -> None:
    """Plant, probe, print a table and write it down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=10)
    each = parser.parse_args().each
    torch.set_num_threads(1)
    kinds: dict[str, Any] = {}
    for name, plant in KINDS.items():
        answers = [told(plant(Draw(seed))) for seed in range(each)]
        missed = [seed for seed, (_, located) in enumerate(answers) if not located]
        kinds[name] = {"found": sum(it[0] for it in answers), "located": sum(it[1] for it in answers), "missed": missed}
        print(f"{name:36}{kinds[name]['found']:4}{kinds[name]['located']:4} of {each}  {missed or ''}", flush=True)
    total = each * len(kinds)
    located = sum(kind["located"] for kind in kinds.values())
    print(f"{located} of {total} planted mistakes are found at their place")
    versions = {name: metadata.version(name) for name in ("torch", "shapewidget")}
    report = {"each": each, "located": located, "of": total, "versions": versions, "kinds": kinds}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
