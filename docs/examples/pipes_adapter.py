"""An example of an adapter: what shapewidget has to know of the framework in `water_pipes.py`."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from water_pipes import Line, Pipe, Shape

from shapewidget.errors import InputError, RebuildError
from shapewidget.frameworks.adapter import Attempt, Batch, Constructor, Failure, Watch
from shapewidget.graph.costs import Measurement
from shapewidget.graph.independence import Independence
from shapewidget.graph.masking import Mask
from shapewidget.graph.records import (
    Clash,
    ClashKind,
    Declared,
    Edge,
    Layer,
    LayerGraph,
    LayerKind,
    Recording,
    TensorSpec,
)
from shapewidget.graph.remedies import Remedy, SetArgument


class PipesAdapter:
    """Models of pipes. Nothing here changes one: running a pipe leaves no trace, and fixes are made on copies."""

    name = "pipes"

    def accepts(self, model: Any) -> bool:
        """Whether it is a line of pipes."""
        return isinstance(model, Line)

    def device(self, model: Any) -> str:
        """Shapes are nowhere else."""
        return "cpu"

    def room(self, model: Any) -> int | None:
        """Shapes need no memory."""
        return None

    def capacity(self, model: Any) -> int | None:
        """So nobody has to ask how much there is."""
        return None

    def peak_flops(self, model: Any) -> float | None:
        """Nothing is multiplied."""
        return None

    def machine(self, model: Any) -> str:
        """Equal everywhere."""
        return "pipes"

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """Nothing is left to chance."""
        return nullcontext()

    def packed(self, content: object) -> bytes:
        """Pipes have no weights to leave out."""
        return pickle.dumps(content)

    def on_device(self, model: Any, device: str) -> Any:
        """There is one device only."""
        return model

    def runnable(self, model: Any, inputs: Any) -> Any:
        """A line is called as a whole."""
        return model

    def follow(self, model: Any, called: Callable[[Any], None]) -> Callable[[], None] | None:
        """A line does not tell when it is called."""
        return None

    # -- the batch --------------------------------------------------------------------------------------------------

    def batch(self, model: Line, inputs: Any, targets: Any, axes: Any, loss: Any) -> Batch:
        """The given shape; or four rows of what the first pipe takes."""
        if inputs is not None and not isinstance(inputs, tuple):
            raise InputError(f"The inputs are a {type(inputs).__name__}. Expected a shape, such as (4, 8).")
        rows = inputs or (4, model.pipes[0].takes)
        origin = "" if inputs else f"No inputs were given: made 4 rows of {rows[1]} for `{model.pipes[0].name}`."
        return Batch((rows,), axes=(("B", *[""] * (len(rows) - 1)),), origin=origin)

    def split(self, model: Any, batch: Any, loss: Callable[..., Any] | None) -> tuple[Any, Any]:
        """A batch of a loader has no targets here."""
        return batch, None

    def sizes(self, batch: Batch) -> Mapping[str, int]:
        """The first axis is the batch."""
        return {"B": batch.args[0][0]}

    def resized(self, model: Any, batch: Batch, sizes: Mapping[str, int]) -> Batch:
        """As many rows as asked for."""
        rows = batch.args[0]
        return replace(batch, args=((sizes["B"], *rows[1:]),))

    # -- a run ------------------------------------------------------------------------------------------------------

    def record(
        self, model: Line, batch: Batch, loss: Callable[..., Any] | None, *, repair: bool = True, **_: Any
    ) -> Recording:
        """Run the pipes one by one. Where one refuses, note it, give it what it takes, and go on."""
        rows: Shape = batch.args[0]
        layers, edges = [Layer("rows", LayerKind.INPUT, "rows", "rows", outputs=(_spec(rows),))], []
        clashes = []
        for pipe in model.pipes:
            edges.append(Edge(layers[-1].id, pipe.name))
            given = rows
            try:
                rows = pipe(rows)
            except ValueError as error:
                clashes.append(_clash(pipe, rows, str(error)))
                rows = pipe((*rows[:-1], pipe.takes))
            layers.append(_layer(pipe, given, rows))
        return Recording(LayerGraph(tuple(layers), tuple(edges), title="Line"), tuple(clashes))

    def independence(
        self, model: Any, batch: Batch, graph: LayerGraph, sizes: Mapping[str, int]
    ) -> Independence | None:
        """Shapes hold no values that could mix."""
        return None

    def tables(self, model: Any) -> Mapping[tuple[int, ...], tuple[int, int]]:
        """Pipes keep no tables."""
        return {}

    def masks(self, model: Any, batch: Batch) -> Mapping[tuple[str, int], Mask]:
        """Pipes hide nothing."""
        return {}

    def watch(self) -> AbstractContextManager[Watch]:
        """Nobody trains pipes."""
        raise InputError("Code with pipes cannot be captured. Give the line itself to shapewidget.probe.")

    def failure(self, error: BaseException) -> Failure | None:
        """An exception of a pipe says what there is to say."""
        return None

    # -- other models -----------------------------------------------------------------------------------------------

    def constructor(self, model: Any, build: Callable[..., Any] | None) -> Constructor:
        """A line is a list; it has no sizes of its own."""
        raise RebuildError("A line of pipes has no hidden size.")

    def attempt(
        self,
        model: Line,
        constructor: Constructor | None,
        remedy: Remedy,
        loss: Callable[..., Any] | None = None,
    ) -> Attempt | None:
        """A copy with one pipe of another width."""
        if not isinstance(remedy, SetArgument):
            return None
        changed = copy.deepcopy(model)
        [pipe] = [pipe for pipe in changed.pipes if pipe.name == remedy.path]
        setattr(pipe, remedy.argument, remedy.value)
        return Attempt(changed, repr(pipe), patch=None)

    def measure(
        self, model: Any, batch: Batch, *, sizes: Mapping[str, int], **_: Any
    ) -> Generator[None, None, Measurement]:
        """Nothing runs long enough to be measured."""
        yield
        return Measurement(sizes, "cpu", None, None, None, refusal="Pipes take no time.")


def _spec(rows: Shape) -> TensorSpec:
    return TensorSpec(rows, "rows")


def _layer(pipe: Pipe, given: Shape, made: Shape) -> Layer:
    declared = (Declared("takes", pipe.takes, axis=-1), Declared("gives", pipe.gives))
    return Layer(
        pipe.name, LayerKind.LAYER, pipe.name, "Pipe", pipe.name, None, (_spec(given),), (_spec(made),), declared
    )


def _clash(pipe: Pipe, rows: Shape, error: str) -> Clash:
    axis = len(rows) - 1
    return Clash(pipe.name, ClashKind.SIZE, 0, axis, pipe.takes, rows[-1], repair="given what it takes", error=error)
