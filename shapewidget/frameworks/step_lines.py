"""Which backward passes of a training loop a step of the optimiser stands beside, by the loops of its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shapewidget.frameworks.source import Capture, resolve
from shapewidget.frameworks.source.loops import are_in_one_loop
from shapewidget.graph.records import SourceLine
from shapewidget.graph.training import Event, OptimizerStep


def with_loops(
    events: Sequence[Event], steps: Mapping[int, Capture | None], lines: Sequence[SourceLine | None]
) -> tuple[Event, ...]:
    """The events, each step with the backward lines that are in its loop.

    Args:
        events: What happened.
        steps: Where the steps were called, by their place among the events.
        lines: The lines that take gradients.
    """
    found: dict[Capture, frozenset[int]] = {}
    for step in {step for step in steps.values() if step is not None}:
        line = resolve(step)
        found[step] = frozenset(number for number, each in enumerate(lines) if are_in_one_loop(line, each))
    return tuple(
        replace(event, beside=event.lines & found.get(place, frozenset()))
        if isinstance(event, OptimizerStep) and (place := steps.get(number)) is not None
        else event
        for number, event in enumerate(events)
    )
