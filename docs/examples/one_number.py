"""An example of a rule: everything that a model knows of a sample goes through a single number."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.chains import readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Rule, Severity
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.dims import constant

ONE_NUMBER = Rule("SW690", "Everything goes through one number", Severity.COINCIDENCE)


def through_one_number(evidence: Evidence) -> Iterator[Diagnosis]:
    """A linear layer that reads a single feature."""
    for layer in evidence.graph.layers:
        dims = layer.outputs[0].dims if layer.outputs else None
        if layer.type != "Linear" or dims is None or dims[-1] != constant(1):
            continue
        for reader, _ in readers(evidence, layer):
            if reader.type == "Linear":
                reason = (
                    f"{place_text(layer)} gives {shape_text(layer.outputs[0])}, a single feature, and "
                    f"{place_text(reader)} has nothing else to read."
                )
                fix = f"give `{layer.path}` more than one feature, or take `{reader.path}` away"
                yield Diagnosis(finding_at(ONE_NUMBER.code, layer, reason, fix=fix, axis_name="features"))
