"""Channels that are split into groups of one size."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.findings import Finding
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, Layer
from shapewidget.graph.remedies import SetArgument


def is_about_groups(clash: Clash) -> bool:
    """Whether a layer cannot split its channels."""
    return isinstance(clash.expected, str) and clash.expected.endswith("groups")


def groups_refused(clash: Clash, layer: Layer) -> Finding:
    """What is said of it."""
    groups = layer.size("groups")
    return finding_at(
        "SW118",
        layer,
        f"{place_text(layer)} splits its channels into {groups} groups of one size, and {shape_text(layer.inputs[0])} "
        f"has {clash.got} on axis {clash.axis}, no multiple of {groups}.",
        fix=f"take a number of groups that divides {clash.got}: groups={_dividing(layer, clash)}",
        axis=clash.axis,
        axis_name="channels",
        expected=f"a multiple of {groups}",
        got=clash.got,
    )


def group_remedies(clash: Clash, layer: Layer) -> Iterator[SetArgument]:
    """The largest number of groups up to the present one that divides the channels."""
    yield SetArgument(layer.path, "groups", _dividing(layer, clash))


def _dividing(layer: Layer, clash: Clash) -> int:
    groups, channels = layer.size("groups") or 1, clash.got if isinstance(clash.got, int) else 1
    filters = layer.size("filters") or 0
    return max(each for each in range(1, groups + 1) if math.gcd(channels, filters or channels) % each == 0)
