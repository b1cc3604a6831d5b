"""A measured point of a sweep as a flat record, for tables and plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapewidget.graph.costs import Measurement
from shapewidget.probing.grid import SweepAxis

_MEMORY = ("parameters", "gradients", "optimizer_state", "activations", "workspace", "peak", "forward_peak", "reserved")
_RATES = ("samples_per_second", "tokens_per_second", "flops", "flops_per_second", "share_of_peak")


def row_of(point: Measurement, axes: Sequence[SweepAxis]) -> dict[str, Any]:
    """What was varied, seconds, bytes, throughput, and why a part lacks; what is not known is None.

    Seconds are those of a forward pass alone ("forward"), of a training step ("step"), and of its three parts; each
    with its quartiles.
    """
    row: dict[str, Any] = {axis.keyword: point.sizes[axis.name] for axis in axes}
    forward, backward, update = point.parts or (None, None, None)
    for call, timing in (
        ("forward", point.forward),
        ("step", point.step),
        ("step_forward", forward),
        ("step_backward", backward),
        ("step_update", update),
    ):
        row[f"{call}_seconds"] = timing.median if timing else None
        row[f"{call}_lower"] = timing.lower if timing else None
        row[f"{call}_upper"] = timing.upper if timing else None
    row |= {f"{part}_bytes": getattr(point.memory, part) if point.memory else None for part in _MEMORY}
    row |= {rate: getattr(point, rate) for rate in _RATES}
    return row | {"fits": point.fits, "refusal": point.refusal, "device": point.device}
