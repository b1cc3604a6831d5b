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
    machine = {"cpu": processor(), "cores": os.cpu_count(), "load": os.getloadavg()}
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    results.write_text(json.dumps({"machine": machine, "versions": versions, **figures}, indent=1) + "\n")
