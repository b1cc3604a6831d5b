"""`python -m shapewidget`: what is installed here, for a bug report; `python -m shapewidget demo` opens the lessons."""

from __future__ import annotations

import argparse
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).parent
BUNDLE = ("graph_view.js", "plot_view.js", "plotly.min.js")
DISTRIBUTIONS = {
    "notebook": ("ipython", "ipykernel", "ipywidgets", "anywidget", "traitlets", "plotly", "jupyterlab", "notebook"),
    "frameworks": ("torch", "tensorflow", "tensorflow-cpu", "keras", "jax"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m shapewidget", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["info", "demo"], default="info")
    parser.add_argument("--folder", type=Path, default=Path("shapewidget-lessons"), help="where demo puts the lessons")
    given = parser.parse_args(arguments)
    if given.command == "demo":
        return demo(given.folder)
    print("\n".join(information()))
    return 0


def information() -> Iterator[str]:
    """Versions, devices and the state of the front end, a line each."""
    yield f"shapewidget {metadata.version('shapewidget')} in {PACKAGE}"
    yield f"Python {platform.python_version()} on {platform.platform()}"
    for title, names in DISTRIBUTIONS.items():
        yield f"{title}: {', '.join(f'{name} {version}' for name in names if (version := _version(name))) or 'none'}"
    yield f"devices: {_devices()}"
    missing = [name for name in BUNDLE if not (PACKAGE / "static" / name).is_file()]
    yield f"front end: {'lacks ' + ', '.join(missing) if missing else 'complete'}"


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> str:
    """What PyTorch can run on; a broken installation is part of the answer."""
    if importlib.util.find_spec("torch") is None:
        return "not asked, PyTorch is not installed"
    try:
        torch = importlib.import_module("torch")
        gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return ", ".join(["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])])
    except Exception as error:
        return f"PyTorch cannot be imported: {type(error).__name__}: {error}"


def demo(folder: Path) -> int:
    """Copy the lessons into `folder`, where edited ones are kept, and open the first in JupyterLab or Notebook."""
    server = next((name for name in ("jupyterlab", "notebook") if importlib.util.find_spec(name)), None)
    if server is None:
        print(
            "The demo needs JupyterLab or Notebook, and neither is installed here. Run `pip install jupyterlab` and "
            "try again; for a look without a notebook there is "
            "`python -c 'import shapewidget as s; print(s.probe(s.zoo.BrokenBiLSTMTagger()))'`.",
            file=sys.stderr,
        )
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    for lesson in lessons():
        if not (folder / lesson.name).exists():
            shutil.copy(lesson, folder)
    first = folder / lessons()[0].name
    return subprocess.run([sys.executable, "-m", server, str(first)], check=False).returncode


def lessons() -> list[Path]:
    """The lessons in their order: beside the package's modules in a wheel, beside the package in a checkout."""
    folder = next(path for path in (PACKAGE / "lessons", PACKAGE.parent / "notebooks") if path.is_dir())
    return sorted(folder.glob("*.ipynb"))


if __name__ == "__main__":
    sys.exit(main())
