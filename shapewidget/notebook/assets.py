"""The built front end. It is not in the repository: the wheel's build hook, or `npm run build`, writes it."""

from __future__ import annotations

from pathlib import Path

from shapewidget.errors import ShapeWidgetError

STATIC = Path(__file__).parent.parent / "static"


class MissingBundleError(ShapeWidgetError, FileNotFoundError):
    """The front end was not built."""


def bundle(name: str) -> Path:
    """Path of a file of the front end.

    Args:
        name: Its name, "plot_view.js".

    Raises:
        MissingBundleError: It is not there; says how to build it.
    """
    path = STATIC / name
    if not path.is_file():
        raise MissingBundleError(
            f"The front end is missing: {path} does not exist. It is part of every wheel; in a checkout, build it with "
            "`cd js && npm ci && npm run build` (Node 20 or newer), then restart the kernel."
        )
    return path
