"""Errors of our own. Each says what was wrong, the value seen, what was expected and the next step."""

from __future__ import annotations


class ShapeWidgetError(Exception):
    """Base of every error that shapewidget raises on purpose."""


class InputError(ShapeWidgetError, ValueError):
    """An argument is not one that shapewidget can work with."""


class UnsupportedModelError(ShapeWidgetError, TypeError):
    """The model belongs to no framework that is loaded."""


class ProbeInputError(InputError):
    """No probe batch could be derived from the model."""


class RebuildError(ShapeWidgetError):
    """The model could not be rebuilt at another size."""


class TimeLimitError(ShapeWidgetError):
    """The model, or its constructor, ran for longer than it was given."""


class Cancelled(ShapeWidgetError):
    """A measurement was given up because somebody asked for another one."""


class FindingsError(ShapeWidgetError, AssertionError):
    """Raised by `Report.raise_for_findings`."""
