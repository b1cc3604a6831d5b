"""Keeps the figures of a benchmark with the machine and the versions that they were measured on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import torch

from shapewidget.frameworks.host import processor


def keep(results: Path, figures: Mapping[str, object]) -> None:
    """Write figures to a file, in place of those that it has."""
    machine: dict[str, object] = {"cpu": processor(), "cores": os.cpu_count(), "load": os.getloadavg()}
    if torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    results.write_text(json.dumps({"machine": machine, "versions": versions, **figures}, indent=1) + "\n")


def results_on(results: Path, device: str) -> Path:
    """The file for the figures of a device: that of a CPU has no other name."""
    kind = torch.device(device).type
    return results if kind == "cpu" else results.with_stem(f"{results.stem}_{kind}")
