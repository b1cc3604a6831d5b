"""More memory asked for than there is."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind


def memory_exceeded(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer or function that ran out of memory: what it asked for, beside what was free."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if clash.kind is not ClashKind.MEMORY or layer is None:
            continue
        asked, free = _text(clash.got), _text(clash.expected)
        more = f"{asked} of memory" if asked else "more memory than there is"
        left = f", and {free} are free" if free else ", which is more than is free" if asked else ""
        shapes = ", ".join(map(shape_text, layer.inputs))
        given = f" It was given {shapes}." if shapes else ""
        reason = f"This is no shape problem: {place_text(layer)} asks for {more}{left}.{given}"
        said = finding_at(
            "SW404", layer, reason, fix=_step(evidence, clash), axis_name="memory",
            expected=free and f"at most {free}", got=asked,
        )  # fmt: skip
        yield Diagnosis(said)


def _text(size: object) -> str:
    return f"{size / 2**30:,.2f} GiB" if isinstance(size, int) else ""


def _step(evidence: Evidence, clash: Clash) -> str:
    batch = evidence.graph.sizes.get("B", 1)
    if isinstance(clash.got, int) and isinstance(clash.expected, int) and clash.got > batch * clash.expected:
        return "no batch is small enough for that: look for a size in this line that is not the one you mean"
    if batch > 1:
        return f"take a smaller batch, such as B = {batch // 2} instead of {batch}"
    return "take a smaller batch or shorter sequences, or layers of a smaller width"
