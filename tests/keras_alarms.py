"""What is said, above a note, about a program of a Keras model that runs."""

from __future__ import annotations

import shapewidget
from shapewidget.diagnosis.findings import Severity


def alarms(program):
    """The findings of `program()`, which gives a model and its inputs, and may give targets and a loss."""
    model, inputs, *rest = program()
    targets, loss = rest or (None, None)
    report = shapewidget.probe(model, inputs, targets=targets, loss=loss)
    assert report.graph.layers
    return [each for each in report.findings if each.severity is not Severity.NOTE]
