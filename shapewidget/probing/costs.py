"""What one model costs: measured where it was run, predicted everywhere else, and refused where it would not fit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Mapping
from typing import Any

from shapewidget.frameworks.adapter import Adapter, Batch, Effort, Model
from shapewidget.frameworks.slices import finished
from shapewidget.graph.costs import LayerCost, Measurement
from shapewidget.graph.records import LayerGraph
from shapewidget.probing.predictor import Prediction, Predictor
from shapewidget.probing.room import check_room
from shapewidget.probing.run_cache import RunCache, key_of
from shapewidget.probing.sizes import checked, size_step

Sizes = Mapping[str, int]
Slices = Generator[None, None, Measurement]


class Costs:
    """The costs of a model at any of its sizes.

    Args:
        adapter: Runs it.
        model: The user's own.
        at: Gives the model and the batch at other sizes.
        graph: The model's graph with its axes solved.
        sizes: All of its sizes, as they are.
        arguments: Those that are arguments of its constructor.
        names: Those that can be moved.
        loss: Called as ``loss(outputs, targets)``.
        optimizer: Makes an optimiser of an iterable of weights.
        step: Makes a whole training step: ``step(model, inputs, targets, optimizer)``.
    """

    def __init__(
        self,
        adapter: Adapter,
        model: Model,
        at: Callable[[Sizes], tuple[Model, Batch]],
        graph: LayerGraph,
        sizes: Sizes,
        *,
        arguments: Sizes,
        names: tuple[str, ...],
        loss: Callable[..., Any] | None,
        optimizer: Callable[..., Any] | None,
        step: Callable[..., Any] | None = None,
    ) -> None:
        self._adapter, self._model, self._at, self._graph = adapter, model, at, graph
        self._sizes, self._arguments, self._names = dict(sizes), dict(arguments), names
        self._loss, self._optimizer, self._step = loss, optimizer, step

    @functools.cached_property
    def predictor(self) -> Predictor:
        """What is known of the costs, with what was learnt in earlier sessions."""
        steps = {name: size_step(size, self._arguments) for name, size in self._arguments.items()}
        return Predictor(self._sizes, self._names, self._graph, step=steps, kept=self._cache.load())

    @functools.cached_property
    def _cache(self) -> RunCache:
        recipe = [
            getattr(it, "__qualname__", type(it).__qualname__) for it in (self._loss, self._optimizer, self._step)
        ]
        return RunCache(key_of(self._graph, self._adapter.machine(self._model), self._names, recipe))

    @property
    def capacity(self) -> int | None:
        """Bytes that a run can take on the device, as it is now; None where the device does not tell."""
        return self._adapter.capacity(self._model)

    @functools.cached_property
    def peak_flops(self) -> float | None:
        """Floating-point operations a second that the device does at best, measured once; None where not known."""
        return self._adapter.peak_flops(self._model)

    def predict(self, sizes: Mapping[str, object]) -> Prediction:
        """The costs at these sizes, from arithmetic alone.

        Raises:
            InputError: A size is no positive whole number, or has an unknown name.
        """
        return self.predictor.at({**self._sizes, **checked(sizes, self._sizes)})

    def predict_layers(self, sizes: Mapping[str, object]) -> dict[str, LayerCost]:
        """What the layers would cost at these sizes, by their id in the graph, as far as the runs tell.

        Raises:
            InputError: A size is no positive whole number, or has an unknown name.
        """
        return self.predictor.layers({**self._sizes, **checked(sizes, self._sizes)})

    def measure(self, sizes: Mapping[str, object], effort: Effort = Effort.THOROUGH) -> Measurement:
        """Time and memory of a forward pass and of a training step at these sizes, on a copy.

        Raises:
            InputError: A size is no positive whole number, or has an unknown name, or a layer of it alone is too large.
            RebuildError: The model cannot be built at these sizes.
        """
        return finished(self.measuring(sizes, effort))

    def measuring(self, sizes: Mapping[str, object], effort: Effort = Effort.THOROUGH) -> Slices:
        """The same, one call of the model a slice; close it to end the measurement."""
        wanted = {**self._sizes, **checked(sizes, self._sizes)}
        point = self.refused(wanted) or (yield from self._run(wanted, effort))
        yield from self.predictor.adding(point)
        return point

    def refused(self, sizes: Sizes) -> Measurement | None:
        """A point that does not fit, where that is certain before it is run; for a CPU, which would swap."""
        room, peak = self._adapter.room(self._model), self.predict(sizes).peak
        if room is None or peak is None or peak.lower <= room:
            return None
        return self._unfit(
            sizes,
            f"does not fit on {self._adapter.device(self._model)}: about {peak.value / 2**30:,.1f} GiB would be taken, "
            f"and {room / 2**30:,.1f} GiB are free. It was not run, as the machine would swap. Choose a smaller size.",
        )

    def _unfit(self, sizes: Sizes, refusal: str) -> Measurement:
        device = self._adapter.device(self._model)
        return Measurement(dict(sizes), device, None, None, None, refusal=refusal, fits=False)

    def learning(self, told: Callable[[], None] = lambda: None) -> Generator[None, None, None]:
        """Make the runs that predictions still lack, one call of the model a slice, and keep all for later sessions.

        Args:
            told: Called whenever predictions became better.
        """
        yield from self.predictor.learning(self._run, told)
        self._cache.store([*self.predictor.probes, *self.predictor.points])

    def _run(self, sizes: Sizes, effort: Effort) -> Slices:
        check_room(self._graph, sizes, self._adapter.room(self._model))
        try:
            model, batch = self._at(sizes)
        except Exception as error:  # a GPU says only now that its memory does not take the batch, or the weights
            lack = self._adapter.shortage(self._model, error)
            if not lack:
                raise
            return self._unfit(sizes, lack)
        slices = self._adapter.measure(
            model,
            batch,
            loss=self._loss,
            optimizer=self._optimizer,
            sizes=sizes,
            effort=effort,
            step=self._step,
        )
        del model, batch  # the run holds copies: a model that was built for it is not kept besides
        return (yield from slices)
