"""What a model and its loss make of the batches of a loader."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.findings import Severity
from shapewidget.diagnosis.loader_evidence import Trial, Tried
from shapewidget.errors import ShapeWidgetError
from shapewidget.frameworks.adapter import Adapter, Batch
from shapewidget.frameworks.nesting import is_array, mapped, named_arrays, numeric, size_of
from shapewidget.frameworks.turned_labels import is_one_hot
from shapewidget.graph.batches import EmptyRows, NumberedFrom, SamplesBehind, TurnedLabels
from shapewidget.graph.padding import CountedPadding
from shapewidget.graph.records import LayerGraph
from shapewidget.probing.passes import Pass
from shapewidget.probing.refused_batches import RefusedBatch

Loss = Callable[..., Any]


@dataclass(frozen=True)
class Trials:
    """Runs a model on batches of a pass, each on a copy.

    Attributes:
        found: The pass.
        adapter: Of the model's framework; None without a model, which takes everything.
        model: The model.
        loss: Called on what it gives.
    """

    found: Pass
    adapter: Adapter | None = None
    model: Any = None
    loss: Loss | None = None

    def of_pass(self, empty: EmptyRows | None, rounded_off: Any | None, turned: TurnedLabels | None) -> Tried:
        """What is made of the batches of the pass, and of those that it could have.

        Args:
            empty: Rows of zeros in the last batch.
            rounded_off: The samples that a length rounded down leaves out.
            turned: One-hot labels whose samples lie along the second axis.
        """
        found = self.found
        tried = ((index, self._tried(batch)) for index, batch in found.kept.items())
        batches = self._mended({index: trial for index, trial in tried if trial is not None})
        less, more = self._other_axes(batches)
        return Tried(
            batches,
            has_loss=self.adapter is not None and self.loss is not None,
            mended=self._taken_without_a_model(found.reading.mended),
            as_many_labels=self._with_as_many_labels(),
            remainder=self._tried(found.left_out) if found.left_out is not None else None,
            without_empty_rows=self._cut_to(empty) if empty is not None else None,
            one_axis_less=less,
            one_axis_more=more,
            unstacked=self._unstacked(batches.get(0)),
            rounded_off=self._taken_without_a_model(rounded_off),
            counted_padding=self._counted_padding(batches),
            turned_back=self._turned_back() if turned is not None else None,
            numbered_from=self._numbered_from(batches.get(0)),
            samples_behind=self._samples_behind(batches.get(0)),
            sliced=self._sliced(),
        )

    def takes(self, batch: Any) -> bool:
        """Whether the model takes a batch; without a model all are taken."""
        trial = self._tried(batch)
        return trial is None or trial.refusal is None

    def _tried(self, batch: Any) -> Trial | None:
        return self._of(*self.found.split(batch)) if self.adapter is not None else None

    def _of(self, inputs: Any, targets: Any) -> Trial | None:
        """What the model makes of inputs and targets; None where it cannot be called with them at all."""
        if self.adapter is None:
            return None
        try:
            recording = self.adapter.record(self.model, self._batch(inputs, targets), self.loss)
        except ShapeWidgetError:
            return None
        found = (diagnosis.finding for diagnosis in diagnose(Evidence(recording.graph, recording.clashes)))
        refusal = next((finding for finding in found if finding.severity is Severity.MISMATCH), None)
        takes_statistics = any("BatchNorm" in layer.type for layer in recording.graph.layers)
        mixes = takes_statistics and bool(getattr(self.model, "training", False))
        kept = next((layer.name for layer in recording.graph.layers if layer.settings.get("stateful")), "")
        return Trial(refusal, mixes, _reads_as_steps(recording.graph, self.found.drawn), kept)

    def _batch(self, inputs: Any, targets: Any) -> Batch:
        """The arguments of the model and its loss; only where there is a model."""
        assert self.adapter is not None
        return self.adapter.batch(self.model, inputs, targets if self.loss is not None else None, None, self.loss)

    def _mended(self, trials: dict[int, Trial]) -> dict[int, Trial]:
        """The trials, the first refusal with a change of the model's code that takes the first batch as well."""
        first, odd = min(trials, default=0), next((index for index, it in trials.items() if it.refusal), 0)
        refusal = trials[odd].refusal if odd > first else None
        if self.adapter is None or refusal is None:
            return trials
        with contextlib.suppress(Exception):  # the user's code, run as it was not written
            refused, taken = (self._batch(*self.found.split(self.found.kept[index])) for index in (odd, first))
            mended = RefusedBatch(self.adapter, self.model, self.loss, refused, taken).mended(refusal)
            return trials | {odd: replace(trials[odd], refusal=mended or refusal)}
        return trials

    def _taken_without_a_model(self, batch: Any | None) -> Trial | None:
        """What is made of a batch that no pass gives; without a model it is taken."""
        if batch is None:
            return None
        return self._tried(batch) if self.adapter is not None else Trial()

    def _with_as_many_labels(self) -> Trial | None:
        """The first batch again with one label for each sample, repeated or cut; None where they are as many."""
        if self.adapter is None or self.loss is None:
            return None
        inputs, targets = self.found.split(self.found.first)
        samples = size_of(inputs)
        labels = int(targets.shape[0]) if is_array(targets) and len(targets.shape) else None
        if samples is None or not labels or labels == samples:
            return None
        return self._of(inputs, numeric(targets)[[place % labels for place in range(samples)]])

    def _other_axes(self, batches: Mapping[int, Trial]) -> tuple[Trial | None, Trial | None]:
        """The first batch, where it is refused, with its first axis taken away, and with one more in front."""
        first = batches.get(0)
        if first is None or first.refusal is None or self.found.failure is not None:
            return None, None
        batch = self.found.split(self.found.first)
        shapes = [tuple(array.shape) for _, array in named_arrays(batch)]
        if len({shape[:1] for shape in shapes}) > 1:  # no axis that all share: single samples
            return None, self._of(*mapped(batch, lambda array: numeric(array)[None]))
        if min(map(len, shapes)) > 1 and len({shape[:2] for shape in shapes}) == 1:
            return self._of(*mapped(batch, lambda array: numeric(array)[0])), None
        return None, None

    def _unstacked(self, first: Trial | None) -> Trial | None:
        """The first batch, where it is refused, with the samples of its inputs out of the batches of one they are."""
        if first is None or first.refusal is None or self.found.failure is not None:
            return None
        inputs, targets = self.found.split(self.found.first)
        shapes = [tuple(array.shape) for _, array in named_arrays(inputs)]
        if not shapes or any(len(shape) < 3 or shape[0] < 2 or shape[1] != 1 for shape in shapes):
            return None
        return self._of(mapped(inputs, lambda array: numeric(array)[:, 0]), targets)

    def _cut_to(self, empty: EmptyRows) -> Trial | None:
        """The last batch with the rows alone that hold a sample."""
        inputs, targets = self.found.split(self.found.kept[empty.index])
        if not is_array(inputs) or not is_array(targets):
            return None
        return self._of(inputs[: empty.filled], targets[: empty.filled])

    def _numbered_from(self, first: Trial | None) -> NumberedFrom | None:
        """Classes that do not begin at 0; None where the loss does not refuse them, or would all the same."""
        if first is None or first.refusal is None or first.refusal.where != "loss":
            return None
        labels = [numeric(self.found.split(batch)[1]) for batch in self.found.kept.values()]
        numbers = [_class_numbers(each) for each in labels]
        if not all(numbers) or (lowest := min(min(each) for each in numbers)) < 1:
            return None
        has_columns = len(labels[0].shape) == 2
        moved = labels[0][:, lowest:] if has_columns else labels[0] - lowest
        trial = self._of(self.found.split(self.found.first)[0], moved)
        width = int(labels[0].shape[1]) if has_columns else None
        highest = max(max(each) for each in numbers)
        return NumberedFrom(lowest, highest, width) if trial is not None and trial.refusal is None else None

    def _samples_behind(self, first: Trial | None) -> SamplesBehind | None:
        """Samples that lie along the second axis of the inputs; None where the model means them to."""
        samples = self.found.drawn
        if samples is None or first is None or not (first.refusal or first.reads_as_steps):
            return None
        inputs, targets = self.found.split(self.found.first)
        shapes = [tuple(array.shape) for _, array in named_arrays(inputs)]
        if not shapes or not all(_is_behind(shape, samples) for shape in shapes):
            return None
        turned = self._of(*(mapped(part, lambda array: _in_front(array, samples)) for part in (inputs, targets)))
        is_right = turned is not None and turned.refusal is None and not turned.reads_as_steps
        return SamplesBehind(samples, shapes[0], first.reads_as_steps) if is_right else None

    def _sliced(self) -> Trial | None:
        """As many samples of the only element as a batch is to have; None where there are several elements."""
        size = self.found.reading.settings.batch_size
        if self.found.reading.in_one_element() is None or not self.found.kept:
            return None
        return self._of(*mapped(self.found.split(self.found.first), lambda array: numeric(array)[0][:size]))

    def _turned_back(self) -> Trial | None:
        inputs, targets = self.found.split(self.found.first)
        return self._of(inputs, numeric(targets).T)

    def _counted_padding(self, batches: Mapping[int, Trial]) -> CountedPadding | None:
        """Padding among the labels that the loss counts; None where a batch is refused, or has no padding."""
        is_taken = batches and all(trial.refusal is None for trial in batches.values())
        if self.adapter is None or self.loss is None or self.found.failure is not None or not is_taken:
            return None
        reading = self.found.reading
        with contextlib.suppress(Exception), reading.untouched():  # samples that nobody asks for may raise
            padded = reading.padded_labels()
            if padded is not None:
                inputs, targets = self.found.split(padded[0])
                batch = self.adapter.batch(self.model, inputs, targets, None, self.loss)
                return self.adapter.counted_padding(self.model, batch, self.loss, padded[1])
        return None


def _class_numbers(labels: Any) -> set[int]:
    """The classes of labels that are numbers or one-hot rows; empty for others."""
    if is_array(labels) and len(labels.shape) == 2 and is_one_hot(labels):
        return set(labels.argmax(1).tolist())
    is_ids = is_array(labels) and len(labels.shape) == 1 and "int" in str(labels.dtype)
    return set(labels.tolist()) if is_ids else set()


def _is_behind(shape: tuple[int, ...], samples: int) -> bool:
    return len(shape) > 1 and shape[1] == samples != shape[0]


def _in_front(array: Any, samples: int) -> Any:
    return numeric(array).swapaxes(0, 1) if _is_behind(tuple(array.shape), samples) else array


def _reads_as_steps(graph: LayerGraph, samples: int | None) -> str:
    """The first recurrent or attention layer with so many steps, and with another number of samples."""
    for layer in graph.layers:
        shape = layer.inputs[0].shape if layer.inputs else ()
        if "batch_first" in layer.settings and len(shape) == 3:
            batch, steps = (0, 1) if layer.settings["batch_first"] else (1, 0)
            if shape[steps] == samples != shape[batch]:
                return layer.path
    return ""
