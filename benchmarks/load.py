"""What `%load_ext shapewidget` costs over a bare IPython, and what is installed.

Every loaded start is paired with a bare one right before it, each in a process of its own, so that a busy machine slows
both alike. The first pair, which reads files from a cold disk, is kept apart.

    python benchmarks/load.py [--rounds 20]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import shapewidget

BUDGET_SECONDS = 0.25
RESULTS = Path(__file__).parent / "results" / "load.json"
SHELL = "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell()\n"
LOAD = SHELL + "shell.run_line_magic('load_ext', 'shapewidget')\n"


def seconds(code: str) -> float:
    """Wall time of a fresh Python that runs the code."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def extra(rounds: int) -> list[float]:
    """Seconds that loading adds, once a round."""
    bare = [(seconds(SHELL), seconds(LOAD)) for _ in range(rounds)]
    return [loaded - plain for plain, loaded in bare]


def installed_bytes() -> dict[str, int]:
    """Bytes of the package in files, the built front end apart; what Python compiles is not counted."""
    package = Path(shapewidget.__file__).parent
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    front_end = [path for path in files if path.is_relative_to(package / "static")]
    sizes = {"package": sum(path.stat().st_size for path in files)}
    return sizes | {path.name: path.stat().st_size for path in sorted(front_end)}


def main() -> None:
    """Measure, print, and write it to `benchmarks/results/load.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    first, *others = extra(options.rounds + 1)
    lower, median, upper = statistics.quantiles(others, n=4)
    kept = "kept" if median <= BUDGET_SECONDS else "NOT kept"
    print(
        f"%load_ext over bare IPython: {1000 * median:.0f} ms ({1000 * lower:.0f} to {1000 * upper:.0f}), "
        f"first start {1000 * first:.0f} ms; budget {1000 * BUDGET_SECONDS:.0f} ms {kept}"
    )
    sizes = installed_bytes()
    for name, size in sizes.items():
        print(f"{name:18}{size / 1000:8.0f} kB")
    report = {
        "rounds": options.rounds,
        "budget_seconds": BUDGET_SECONDS,
        "extra_seconds": {"median": median, "lower": lower, "upper": upper, "first": first},
        "installed_bytes": sizes,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "ipython": metadata.version("ipython"),
        },
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
