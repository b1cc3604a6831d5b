"""Where a copy is run to see what it costs, and what is said where that fails."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator

from shapewidget.frameworks.keras.guard import same_process_state


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Run quietly, and with random numbers that nobody misses."""
    with same_process_state(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def first_line(error: Exception) -> str:
    """Type and first line of an error; Keras puts a line of its own before it, and sets it in bold."""
    lines = [line for line in re.sub(r"\x1b\[\d*m", "", str(error)).splitlines() if line.strip()]
    said = next((line for line in lines if not line.startswith("Exception encountered when calling")), "")
    return f"{type(error).__name__}: {said[:300].rstrip('.')}"
