"""One model under the lens: probed now, and again at other sizes."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shapewidget.diagnosis.agreement import coloured
from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.loading import diagnose_loader, with_model
from shapewidget.diagnosis.repeated import told_once
from shapewidget.diagnosis.rules.reshape import is_reshape
from shapewidget.errors import ProbeInputError, RebuildError, ShapeWidgetError
from shapewidget.frameworks.adapter import Attempt, Batch, Constructor
from shapewidget.frameworks.nesting import largest_number
from shapewidget.frameworks.padding import paddings, told_lengths
from shapewidget.frameworks.registry import adapter_for
from shapewidget.graph.costs import Measurement
from shapewidget.graph.independence import Independence
from shapewidget.graph.masking import Mask, attends
from shapewidget.graph.records import ClashKind, Layer, LayerGraph, LayerKind, Recording
from shapewidget.graph.symbols import with_symbols
from shapewidget.probing.costs import Costs
from shapewidget.probing.loaders import check_loader, gather
from shapewidget.probing.passes import read
from shapewidget.probing.proof import Proof
from shapewidget.probing.report import Report
from shapewidget.probing.room import check_room
from shapewidget.probing.sizes import BATCH, TIME, SizeControl, checked, doubtful, other_sizes, small_start
from shapewidget.probing.timeline import Timeline

_MEANINGS = {BATCH: "batch size", TIME: "sequence length", "T2": "second sequence length", "H": "height", "W": "width"}
_LONGEST_FORWARD = 2.0
"""Seconds of a forward pass beyond which the samples are not tried one against the other."""

_LOADER_BATCHES, _LOADER_SECONDS = 100, 1.0
"""How much of a loader a probe reads; the last batch is looked at all the same."""

TIME_LIMIT = 60.0
"""Seconds that one run of a model may take."""

_HIGHEST = {"batch size": 512, "sequence length": 1024, "hidden size": 2048}


class Session:
    """A model, its probe batch, and the ways to change their sizes.

    Args:
        model: The live model; it is left as it is.
        inputs: A tensor, a tuple (positional) or a dict (keywords); None derives a batch from the model.
        targets: What the loss compares with.
        loss: Called as the framework does: ``loss(outputs, targets)`` in PyTorch.
        loader: Where the probe batch is taken from, when no inputs are given.
        axes: What the axes of the inputs mean: "B T", or a tuple or dict for several inputs.
        build: ``build(hidden_size=...)`` gives a new model, for sizes that cannot be recovered.
        optimizer: Makes an optimiser of an iterable of weights; Adam by default.
        step: Makes a training step, where yours does more than call the loss (autocast, clipping, accumulation). Called
            as ``step(model, inputs, targets, optimizer)``, with copies, to be measured.
        device: Probe a copy there instead of where the model is.
        time_limit: Seconds after which a run of the model is ended; None for no end.

    Raises:
        UnsupportedModelError: The model is of no framework that is loaded.
        InputError: The inputs cannot be used.
        ProbeInputError: No inputs were given, and none can be derived.
    """

    def __init__(
        self,
        model: Any,
        inputs: Any = None,
        *,
        targets: Any = None,
        loss: Callable[..., Any] | None = None,
        loader: Any = None,
        axes: Any = None,
        build: Callable[..., Any] | None = None,
        optimizer: Callable[..., Any] | None = None,
        step: Callable[..., Any] | None = None,
        device: str | None = None,
        time_limit: float | None = TIME_LIMIT,
    ) -> None:
        """Probe once at the sizes of the inputs."""
        self._adapter = adapter_for(model)
        model = self._adapter.runnable(model, inputs)
        self._model = self._adapter.on_device(model, device) if device is not None else model
        self._loss, self._optimizer, self._step = loss, optimizer, step
        self._time_limit = time_limit
        parts = functools.partial(self._adapter.split, self._model, loss=loss)
        found = read(loader, parts, limit=_LOADER_BATCHES, seconds=_LOADER_SECONDS) if loader is not None else None
        if inputs is None and found is not None:
            inputs, targets = found.split(found.first) if found.first is not None else (None, None)
            if found.first is None:
                self._loss = axes = None
        self._batch = self._adapter.batch(self._model, inputs, targets, axes, self._loss)
        self._loader = gather(found, self._adapter, self._model, self._loss) if found is not None else None
        self._constructor, self._no_constructor = self._find_constructor(build)
        self._axes = dict(self._adapter.sizes(self._batch))
        self._arguments = dict(self._constructor.size_arguments()) if self._constructor is not None else {}
        self.sizes: dict[str, int] = {**self._arguments, **self._axes}
        self._axes_given = axes is not None
        self._others: list[Recording] | None = None
        self._fixed_axes: Mapping[str, int] = {
            name: size for axes in doubtful(self._axes) for name, size in axes.items()
        }
        self.report = self.probe()

    def _find_constructor(self, build: Callable[..., Any] | None) -> tuple[Constructor | None, str]:
        try:
            return self._adapter.constructor(self._model, build), ""
        except RebuildError as error:
            if build is not None:
                raise
            return None, str(error)

    @property
    def device(self) -> str:
        """Where the probes run."""
        return self._adapter.device(self._model)

    def follow(self, called: Callable[..., float]) -> Callable[[], None]:
        """Call a bound method with the inputs of every call of the live model, until what is given is called.

        What it gives are seconds for which it need not be called again.
        """
        return self._adapter.follow(self._model, called)

    @property
    def controls(self) -> tuple[SizeControl, ...]:
        """The three sliders; one that cannot work carries the reason."""
        hidden = self._constructor.hidden_argument() if self._constructor is not None else None
        named = ((BATCH, "batch size"), (TIME, "sequence length"), (hidden or "", "hidden size"))
        return tuple(self._control(name, label) for name, label in named)

    def _control(self, name: str, label: str) -> SizeControl:
        value = self.sizes.get(name)
        if value is not None:
            return SizeControl(name, label, value, 1, max(_HIGHEST[label], 4 * value))
        if label == "hidden size":
            why = self._no_constructor or (
                "None of the constructor's arguments is known to be the hidden size. Pass build=lambda hidden_size: ..."
            )
        else:
            why = f'The inputs have no axis that is the {label}. If one is, name it: axes="B T".'
        return SizeControl(name, label, 1, refusal=why)

    # -- probing ----------------------------------------------------------------------------------------------------

    def probe(self, sizes: Mapping[str, object] | None = None) -> Report:
        """Run the model, at other sizes where some are given, and say what was found.

        Raises:
            InputError: A size is no positive whole number, or has an unknown name.
            RebuildError: The model cannot be built at these sizes.
        """
        wanted = {**self.sizes, **checked(sizes or {}, self.sizes)}
        if sizes is not None:
            check_room(self.report.graph, wanted, self._adapter.room(self._model))
        model, batch = self._at(wanted)
        own = self._recorded(model, batch, wanted)
        if self._others is None:
            self._others = self._recorded_elsewhere(own)
        evidence = self._evidence(model, [own, *self._others])
        findings = self._proof(model, batch, own).findings(diagnose(evidence))
        if self._loader is not None:
            findings = with_model(diagnose_loader(self._loader), findings)
        self.sizes = wanted
        self.report = Report(
            told_once(findings),
            coloured(evidence.graph, own.clashes, findings),
            self._adapter.name,
            self.device,
            self._notes(own),
            self._meanings(),
            own.stopped,
            Timeline(self._loader.batches, self._loader.origins.ranks) if self._loader is not None else None,
            session=self,
        )
        return self.report

    @functools.cached_property
    def costs(self) -> Costs:
        """What the model costs, measured and predicted."""
        return Costs(
            self._adapter,
            self._model,
            self._at,
            self.report.graph,
            self.sizes,
            arguments=self._arguments,
            names=tuple(control.name for control in self.controls if not control.refusal),
            loss=self._loss,
            optimizer=self._optimizer,
            step=self._step,
        )

    def measure(self, sizes: Mapping[str, object]) -> Measurement:
        """Time and memory of a forward pass and of a training step at these sizes, on a copy.

        Raises:
            InputError: A size is no positive whole number, or has an unknown name.
            RebuildError: The model cannot be built at these sizes.
        """
        return self.costs.measure(sizes)

    def _at(self, sizes: Mapping[str, int]) -> tuple[Any, Batch]:
        """The model and the batch at these sizes; the user's own model where its sizes are the same."""
        changes = {name: sizes[name] for name, value in self._arguments.items() if sizes.get(name, value) != value}
        model = self._constructor.build(**changes) if changes and self._constructor is not None else self._model
        axes = {name: sizes[name] for name in self._axes}
        batch = self._batch if axes == self._axes else self._adapter.resized(model, self._batch, axes)
        return model, batch

    def _recorded(self, model: Any, batch: Batch, sizes: Mapping[str, int], *, repair: bool = True) -> Recording:
        recording = self._adapter.record(model, batch, self._loss, repair=repair, time_limit=self._time_limit)
        return replace(recording, sizes=dict(sizes))

    def _recorded_elsewhere(self, own: Recording) -> list[Recording]:
        """The same program at other sizes; arguments that the data fixes, or else all of them, stay where it raises."""
        if own.out_of_time or any(clash.kind is ClashKind.MEMORY for clash in own.clashes):
            return []
        data = {size for layer in own.graph.layers if layer.kind is LayerKind.INPUT for size in _sizes_of(layer)}
        fixed = {name: value for name, value in self._arguments.items() if value in data}
        start = small_start(
            self._arguments, largest_number((self._batch.args, self._batch.kwargs, self._batch.targets))
        )
        recordings: list[Recording] = []
        self._fixed_axes = self._refused_axes(own)
        kept: list[Mapping[str, int]] = [{**self._fixed_axes, **values} for values in ({}, fixed, self._arguments)]
        for small, larger in zip(
            other_sizes(self._axes, self._arguments, start), other_sizes(self._axes, self._arguments), strict=True
        ):
            recording = self._tried({**small, **self._fixed_axes}, own) if small != larger else None
            if recording is None or not _is_refused_alike(recording, own):
                recording = self._first_to_end([{**larger, **values} for values in kept], own)
                if recording is not None and recording.stopped is None:
                    kept = [values for values in kept if {**larger, **values} == recording.sizes]
            if recording is not None:
                recordings.append(self._as_the_data(recording, fixed, own))
        return recordings

    def _as_the_data(self, recording: Recording, fixed: Mapping[str, int], own: Recording) -> Recording:
        """A run less the clashes of arguments that the data fix; with these as they were where others are left."""
        kept = _less_the_data(recording, fixed)
        if kept is recording or not kept.clashes:
            return kept
        return self._tried({**recording.sizes, **fixed}, own) or kept

    def _refused_axes(self, own: Recording) -> Mapping[str, int]:
        """Axes whose other sizes the model refuses: pictures before a flatten, a row of so many questions."""
        refused: dict[str, int] = {}
        for axes in doubtful(self._axes):
            smallest = {name: min(sizes[name] for sizes in other_sizes(self._axes, {})) for name in axes}
            recording = self._tried({**own.sizes, **smallest}, own)
            refused |= {} if recording is not None and _is_refused_alike(recording, own) else axes
        return refused

    def _first_to_end(self, settings: Sequence[Mapping[str, int]], own: Recording) -> Recording | None:
        """The run at the first of some sizes at which it ends, where the user's own does; else at the last."""
        for sizes in settings:
            recording = self._tried(sizes, own)
            ran = recording is not None and recording.stopped is None and not _are_illegal(recording, own)
            if recording is not None and (ran or own.stopped is not None or sizes is settings[-1]):
                return recording
        return None

    def _tried(self, sizes: Mapping[str, int], own: Recording) -> Recording | None:
        """A run at other sizes; at a reshape that only these do not fit it ends, as no repair tells what is meant."""
        with contextlib.suppress(ShapeWidgetError):
            model, batch = self._at(sizes)
            recording = self._recorded(model, batch, sizes)
            is_misfit = _is_reshaped_otherwise(recording, own)
            return self._recorded(model, batch, sizes, repair=False) if is_misfit else recording
        return None

    def _evidence(self, model: Any, recordings: Sequence[Recording]) -> Evidence:
        graph = with_symbols(recordings)
        return Evidence(
            graph,
            recordings[0].clashes,
            tuple(recordings[1:]),
            self._meanings(),
            self._independence(model, graph, recordings),
            self._axes_given,
            paddings((self._batch.args, dict(self._batch.kwargs)), self._batch.axes),
            min((batch.size for batch in self._loader.batches if batch.size), default=None) if self._loader else None,
            self._masks(model, graph, recordings),
            self._adapter.tables(model),
            told_lengths((self._batch.args, dict(self._batch.kwargs)), self._batch.axes),
        )

    def _masks(self, model: Any, graph: LayerGraph, recordings: Sequence[Recording]) -> Mapping[tuple[str, int], Mask]:
        """What the masks mark in the user's own batch, where something reads them."""
        is_own = all(recordings[0].sizes.get(name) == size for name, size in self._axes.items())
        runs = recordings[0].stopped is None and _are_quick(recordings)
        return self._adapter.masks(model, self._batch) if is_own and runs and attends(graph) else {}

    def _independence(self, model: Any, graph: LayerGraph, recordings: Sequence[Recording]) -> Independence | None:
        """What one sample changes in the others, at the smallest sizes at which the model ran through."""
        nodes = recordings[0].graph.by_id.keys()
        ran = [it for it in recordings if not it.clashes and it.stopped is None and it.sizes.get(BATCH, 1) > 1]
        ran = [it for it in ran if it.graph.by_id.keys() == nodes] or ran  # a loop over steps has fewer of them there
        if recordings[0].clashes or not _are_quick(recordings) or not ran:
            return None
        smallest = min(ran, key=lambda it: math.prod(it.sizes[name] for name in self._axes))
        axes = {name: smallest.sizes[name] for name in self._axes}
        batch = self._batch if axes == self._axes else self._adapter.resized(model, self._batch, axes)
        return self._adapter.independence(model, batch, graph, smallest.sizes)

    # -- fixes ------------------------------------------------------------------------------------------------------

    def _proof(self, model: Any, batch: Batch, own: Recording) -> Proof:
        def record(attempt: Attempt, axes: Mapping[str, int]) -> Recording:
            given = batch if axes == self._axes else self._adapter.resized(attempt.model, batch, axes)
            given = attempt.batch(given) if attempt.batch is not None else given
            loss = attempt.loss if attempt.loss is not None else self._loss
            recording = self._adapter.record(attempt.model, given, loss, time_limit=self._time_limit)
            return replace(recording, sizes=dict(axes))

        return Proof(
            lambda remedy: self._adapter.attempt(model, self._constructor, remedy, self._loss),
            record,
            self._evidence,
            own,
            self._axes,
            [{**sizes, **self._fixed_axes} for sizes in other_sizes(self._axes, {})],
        )

    # -- words ------------------------------------------------------------------------------------------------------

    def _meanings(self) -> dict[str, str]:
        title = type(self._model).__name__
        meanings = dict.fromkeys(self._arguments, f"argument of {title}")
        return meanings | {name: _MEANINGS.get(name, name) for name in self._axes}

    def _notes(self, own: Recording) -> tuple[str, ...]:
        ran = own.stopped is None and bool(own.graph.layers)
        gave = any(layer.kind is LayerKind.OUTPUT for layer in own.graph.layers)
        nothing = (
            "The model gave no tensor back, so that nothing can be said of its output." if ran and not gave else ""
        )
        return tuple(note for note in (self._batch.origin, nothing) if note)


def _is_refused_alike(one: Recording, other: Recording) -> bool:
    """Whether two runs were refused at the same places, and both or neither came to its end."""
    places = [[clash.layer_id for clash in it.clashes] for it in (one, other)]
    return places[0] == places[1] and (one.stopped is None) == (other.stopped is None)


def _less_the_data(recording: Recording, fixed: Mapping[str, int]) -> Recording:
    """A run without the clashes of arguments that have to be as large as the data, and were changed without them."""
    changed = {(recording.sizes[name], size) for name, size in fixed.items() if recording.sizes.get(name, size) != size}
    kept = tuple(clash for clash in recording.clashes if (clash.expected, clash.got) not in changed)
    return replace(recording, clashes=kept) if len(kept) < len(recording.clashes) else recording


def _are_illegal(recording: Recording, own: Recording) -> bool:
    """Whether a layer cannot split what it can split at the user's sizes: the other sizes are none that were meant."""
    known = {clash.layer_id for clash in own.clashes}
    return any(clash.kind is ClashKind.DIVISOR and clash.layer_id not in known for clash in recording.clashes)


def _is_reshaped_otherwise(recording: Recording, own: Recording) -> bool:
    """Whether a reshape was refused, and repaired, that the user's sizes fit."""
    known = {clash.layer_id for clash in own.clashes}
    refused = {clash.layer_id for clash in recording.clashes if clash.repair} - known
    return any(is_reshape(layer) for layer in recording.graph.layers if layer.id in refused)


def _are_quick(recordings: Sequence[Recording]) -> bool:
    """Whether more runs can be made; the first may have been slow only because it was the first."""
    return min(it.seconds for it in recordings) <= _LONGEST_FORWARD


def _sizes_of(layer: Layer) -> Iterator[int]:
    return (size for spec in layer.outputs for size in spec.shape)


def probe(
    model: Any,
    inputs: Any = None,
    *,
    targets: Any = None,
    loss: Callable[..., Any] | None = None,
    loader: Any = None,
    axes: Any = None,
    build: Callable[..., Any] | None = None,
    optimizer: Callable[..., Any] | None = None,
    step: Callable[..., Any] | None = None,
    device: str | None = None,
    time_limit: float | None = TIME_LIMIT,
) -> Report:
    """Run a model on a probe batch and say where its shapes agree and where they do not.

    Args:
        model: A live `torch.nn.Module`. It is left exactly as it is.
        inputs: A tensor, a tuple (positional) or a dict (keywords). None derives a batch from the model.
        targets: What the loss compares the outputs with.
        loss: Called as ``loss(outputs, targets)``.
        loader: A DataLoader, or anything that `check_loader` takes. Its first batch is the probe batch when no inputs
            are given, and its first hundred batches and its last are checked.
        axes: What the axes of the inputs mean, as in "B T" or "T B F"; a tuple or dict for several inputs. By default
            the first axis is the batch, and the second of token ids and of 3-D floats is the sequence.
        build: ``build(hidden_size=...)`` gives a new model, where the constructor's arguments cannot be recovered.
        optimizer: Makes an optimiser of an iterable of weights; Adam by default.
        step: Makes a training step, where yours does more than call the loss (autocast, clipping, accumulation). Called
            as ``step(model, inputs, targets, optimizer)``, with copies, to be measured.
        device: Probe a copy on this device instead of where the model is.
        time_limit: Seconds after which a run of the model is ended, with what was seen until then; None for no end.

    Raises:
        ShapeWidgetError: The model or the inputs cannot be used; says why and what to do.
    """
    try:
        return Session(
            model,
            inputs,
            targets=targets,
            loss=loss,
            loader=loader,
            axes=axes,
            build=build,
            optimizer=optimizer,
            step=step,
            device=device,
            time_limit=time_limit,
        ).report
    except ProbeInputError:
        if loader is None:
            raise
        return check_loader(loader, model=model, loss=loss)  # it gave no batch, and none can be derived
