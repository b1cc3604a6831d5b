"""What every layer would cost at sizes that it was not run at.

The bytes that a layer keeps are a polynomial of the sizes, set right by the points at which they were asked for. One
pass through a layer is too short to tell how its seconds follow the sizes, so each takes the share of the whole forward
pass that it had at the nearest point.
"""

from __future__ import annotations

import functools
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

from shapewidget.graph.anchored import Anchored, anchored, doublings
from shapewidget.graph.costs import LayerCost, Measurement
from shapewidget.graph.polynomials import Basis, Sizes, byte_terms

Runs = Sequence[Measurement]


@dataclass(frozen=True)
class LayerLaws:
    """How the costs of the layers follow the sizes.

    Attributes:
        names: The sizes that can be moved.
        memory: By the id of a layer in the graph, the bytes that it keeps for the backward pass.
        points: Runs in which the layers were timed.
    """

    names: tuple[str, ...]
    memory: Mapping[str, Anchored]
    points: Runs

    def at(self, sizes: Sizes, forward: Anchored) -> dict[str, LayerCost]:
        """The costs at these sizes of all layers that they can be told of.

        Args:
            sizes: Of every name.
            forward: Seconds of a whole forward pass.
        """
        if not self.points:
            return {}
        nearest = min(self.points, key=lambda run: doublings(sizes, _named(run, self.names)))
        slower = forward.at(sizes).value / forward.at(nearest.sizes).value
        return {
            id_: LayerCost(round(law.at(sizes).value), nearest.layers[id_].time * slower)
            for id_, law in self.memory.items()
            if id_ in nearest.layers
        }


def fitting_layers(
    points: Runs, probes: Runs, names: Sequence[str], bends: Sequence[tuple[str, int]] = ()
) -> Generator[None, None, LayerLaws]:
    """Fit the laws of all layers, one a slice.

    Args:
        points: Runs that were asked for.
        probes: Runs that were made to predict from.
        names: The sizes that differ between them.
        bends: See `Basis`.
    """
    asked = [run for run in points if run.layers and run.forward is not None]
    bases: dict[tuple[int, ...], Basis] = {}
    memory: dict[str, Anchored] = {}
    for id_ in dict.fromkeys(id_ for run in asked for id_ in run.layers):
        runs = [run for run in (*points, *probes) if id_ in run.layers]
        if any(len({run.sizes[name] for run in runs}) < 2 for name in names):
            continue  # of a size that was the same in all runs nobody can say what it does
        key = tuple(map(id, runs))
        if key not in bases:
            bases[key] = Basis(tuple(names), byte_terms(names), tuple(run.sizes for run in runs), tuple(bends))
        kept = bases[key].fit([run.layers[id_].memory for run in runs])
        known = [(_named(run, names), float(run.layers[id_].memory)) for run in asked if id_ in run.layers]
        memory[id_] = anchored(functools.partial(bases[key].at, kept), known, errors=(), doubt=0.0)
        yield
    return LayerLaws(tuple(names), memory, asked)


def _named(run: Measurement, names: Sequence[str]) -> dict[str, int]:
    return {name: run.sizes[name] for name in names}
