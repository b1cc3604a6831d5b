"""A batch that a model refuses, and a change of its code by which it takes that one and those that it took before."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.findings import Finding
from shapewidget.errors import RebuildError
from shapewidget.frameworks.adapter import Adapter, Attempt, Batch, Constructor
from shapewidget.graph.records import Recording
from shapewidget.graph.remedies import Remedy
from shapewidget.graph.symbols import with_symbols
from shapewidget.probing.proof import Proof


@dataclass(frozen=True)
class RefusedBatch:
    """A batch that a model refuses, beside one that it takes.

    Attributes:
        adapter: Of the model's framework.
        model: Left as found.
        loss: Called on what it gives.
        refused: The batch.
        taken: One that the model takes.
    """

    adapter: Adapter
    model: Any
    loss: Any
    refused: Batch
    taken: Batch

    def mended(self, refusal: Finding) -> Finding | None:
        """What was refused, with a change that takes this batch too and gives for the other what it gave before.

        None where the model does not refuse it there.
        """
        own, other = self._recorded(self.model, self.refused), self._recorded(self.model, self.taken)
        diagnoses = diagnose(self._evidence(self.model, [own, other]))
        same = next((each for each in diagnoses if _is_same(each.finding, refusal)), None)
        if same is None:
            return None
        fixed = diagnose(self._evidence(self.model, [other, own]))  # what is of one size in both
        more = [it for each in fixed if each.finding.layer_id == same.finding.layer_id for it in each.remedies]
        asked = replace(same, remedies=(*same.remedies, *more))
        proof = Proof(self._attempt, self._record, self._evidence, own, own.sizes, ())
        for found in proof.findings([asked, *(each for each in diagnoses if each is not same)]):
            if found.verified and _is_same(found, refusal):
                return replace(refusal, fix=found.fix, patch=found.patch, source=found.source, verified=True)
        return replace(refusal, verified=False)

    def _attempt(self, remedy: Remedy) -> Attempt | None:
        """A remedy that leaves what is right as it is: leaving a state away lets every batch through."""
        made = self.adapter.attempt(self.model, self._constructor, remedy, self.loss)
        with contextlib.suppress(Exception):  # a change by which the other batch is refused
            if made is not None and self.adapter.gives_the_same(self.model, made, self.taken, self.loss):
                return made
        return None

    @cached_property
    def _constructor(self) -> Constructor | None:
        with contextlib.suppress(RebuildError):
            return self.adapter.constructor(self.model, None)
        return None

    def _record(self, attempt: Attempt, _: Mapping[str, int]) -> Recording:
        batch = attempt.batch(self.refused) if attempt.batch is not None else self.refused
        return self._recorded(attempt.model, batch, attempt.loss)

    def _recorded(self, model: Any, batch: Batch, loss: Any = None) -> Recording:
        recording = self.adapter.record(model, batch, loss or self.loss, repair=False)
        return replace(recording, sizes=dict(self.adapter.sizes(batch)))

    def _evidence(self, model: Any, recordings: Sequence[Recording]) -> Evidence:
        graph, (own, *others) = with_symbols(recordings), recordings
        return Evidence(graph, own.clashes, tuple(others), tables=self.adapter.tables(model))


def _is_same(one: Finding, other: Finding) -> bool:
    """Whether two findings are of one node, or of one line: a block has names of its own for the nodes of a model."""
    return one.code == other.code and (one.layer_id == other.layer_id or (one.source or ()) == other.source)
