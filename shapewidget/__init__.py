"""See, in the notebook where a model lives, which tensor shapes agree, which do not, and which agree only by luck."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shapewidget import zoo
    from shapewidget.diagnosis.findings import Finding
    from shapewidget.errors import ShapeWidgetError
    from shapewidget.notebook.attach import attach
    from shapewidget.notebook.magics import load_ipython_extension, unload_ipython_extension
    from shapewidget.probing.capture import capture
    from shapewidget.probing.explain import explain
    from shapewidget.probing.loaders import check_loader
    from shapewidget.probing.report import Report
    from shapewidget.probing.session import probe
    from shapewidget.probing.sweep import sweep

__all__ = [
    "Finding",
    "Report",
    "ShapeWidgetError",
    "attach",
    "capture",
    "check_loader",
    "explain",
    "load_ipython_extension",
    "probe",
    "sweep",
    "unload_ipython_extension",
    "zoo",
]

_HOMES = {
    "Finding": "shapewidget.diagnosis.findings",
    "Report": "shapewidget.probing.report",
    "ShapeWidgetError": "shapewidget.errors",
    "attach": "shapewidget.notebook.attach",
    "capture": "shapewidget.probing.capture",
    "check_loader": "shapewidget.probing.loaders",
    "explain": "shapewidget.probing.explain",
    "load_ipython_extension": "shapewidget.notebook.magics",
    "probe": "shapewidget.probing.session",
    "sweep": "shapewidget.probing.sweep",
    "unload_ipython_extension": "shapewidget.notebook.magics",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that ``import shapewidget`` costs nothing."""
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("shapewidget")
    if name == "zoo":
        return importlib.import_module("shapewidget.zoo")
    if name not in _HOMES:
        raise AttributeError(f"module 'shapewidget' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
