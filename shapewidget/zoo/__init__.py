"""Small reference models for demonstrations, workshops and tests. No data, no downloads; each runs in milliseconds.

A framework is imported when one of its models is asked for, not before. Every model has a broken twin with one
realistic mistake in it.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODELS = {
    "BiLSTMTagger": "torch",
    "BrokenBiLSTMTagger": "torch",
    "BrokenELMoLike": "torch",
    "BrokenKerasBiLSTMTagger": "keras",
    "BrokenKerasGRUClassifier": "keras",
    "ELMoLike": "torch",
    "KerasBiLSTMTagger": "keras",
    "KerasGRUClassifier": "keras",
}

_EXTRAS = {"keras": "tensorflow", "torch": "torch"}

__all__ = [
    "BiLSTMTagger",
    "BrokenBiLSTMTagger",
    "BrokenELMoLike",
    "BrokenKerasBiLSTMTagger",
    "BrokenKerasGRUClassifier",
    "ELMoLike",
    "KerasBiLSTMTagger",
    "KerasGRUClassifier",
]


def __getattr__(name: str) -> Any:
    """Import a model with its framework.

    Raises:
        AttributeError: There is no such model; says which there are.
        ImportError: The framework is not installed; says how to install it.
    """
    framework = _MODELS.get(name)
    if framework is None:
        raise AttributeError(f"shapewidget.zoo has no model {name!r}. It has {', '.join(_MODELS)}.")
    try:
        models = importlib.import_module(f"shapewidget.zoo.{framework}_models")
    except ModuleNotFoundError as error:
        if error.name != framework:
            raise
        raise ImportError(
            f"shapewidget.zoo.{name} needs {framework}, which is not installed. "
            f"Install it with `pip install shapewidget[{_EXTRAS[framework]}]`."
        ) from error
    return getattr(models, name)


def __dir__() -> list[str]:
    return list(__all__)
