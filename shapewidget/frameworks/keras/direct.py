"""Operations that the user's own code calls, with no layer, loss or training loop of Keras in between."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import keras

from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.repeatable import Harmless

_OURS = str(Path(__file__).parents[2])
_BACKEND = str(Path(str(sys.modules[BACKEND.package].__file__)).parent)
_KERAS = Path(keras.__file__).parent / "src"
_PLAIN = tuple(str(_KERAS / name) for name in ("ops", "backend", "utils"))
_LASTING = (
    "assign",
    "scatter",
    "save",
    "load",
    "write",
    "print",
    "set_",
    "seed",
    "fit",
    "compile",
    "random",
    "gradient",
    "jacobian",
)
_PASSING = frozenset(("stop_gradient",))
"""What changes nothing, though its name holds such a word."""
_OF_OTHERS = frozenset(("items", "keys", "values", "get", "format", "numpy"))


def direct_frame() -> FrameType | None:
    """The user's frame that calls the backend or an operation of Keras; None where something of Keras does."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if not filename.startswith((_OURS, _BACKEND, *_PLAIN)):
            return frame if is_own(filename) else None
        frame = frame.f_back
    return None


def name_in(frame: FrameType, tensor: Any) -> str | None:
    """What a frame calls a tensor; None for one without a name."""
    return next((name for name, value in frame.f_locals.items() if value is tensor), None)


def _function(value: object) -> bool:
    if isinstance(value, keras.layers.Layer | keras.losses.Loss):
        return True
    module, name = getattr(value, "__module__", None) or "", getattr(value, "__name__", "")
    is_of_framework = module.split(".")[0] in (BACKEND.package, "keras") and callable(value)
    is_lasting = name not in _PASSING and any(word in name for word in _LASTING)
    return is_of_framework and not name.startswith("_") and not is_lasting


def _method(name: str) -> bool:
    of_tensors = any(hasattr(kind, name) for kind in BACKEND.tensors)
    return name in _OF_OTHERS or (of_tensors and not name.startswith("_") and not name.endswith("_"))


HARMLESS = Harmless(_function, _method)
"""What changes nothing that lasts, so that the user's line that calls it can be run again."""


def is_data(value: object) -> bool:
    """Whether a value is a tensor, holds tensors, or works on them."""
    if isinstance(value, list | tuple):
        return any(isinstance(item, BACKEND.tensors) for item in value)
    return isinstance(value, (*BACKEND.tensors, keras.layers.Layer, keras.losses.Loss))
