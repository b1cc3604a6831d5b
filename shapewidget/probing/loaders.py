"""What a loader really gives, batch by batch and rank by rank, and whether a model takes it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from shapewidget.diagnosis.loader_evidence import LoaderEvidence
from shapewidget.diagnosis.loading import MADE_WRONGLY, by_severity, diagnose_loader
from shapewidget.errors import InputError
from shapewidget.frameworks.adapter import Adapter
from shapewidget.frameworks.continued import rows_go_on
from shapewidget.frameworks.loading import empty_rows
from shapewidget.frameworks.nesting import split
from shapewidget.frameworks.registry import adapter_for, ranks_of
from shapewidget.frameworks.turned_labels import turned_labels
from shapewidget.graph.batches import CutApart, EmptyRows, Ranks
from shapewidget.graph.records import LayerGraph
from shapewidget.probing.edited_loaders import edited
from shapewidget.probing.loader_origins import traced
from shapewidget.probing.loader_trials import Trials
from shapewidget.probing.passes import PATIENCE, Pass, read
from shapewidget.probing.report import Report
from shapewidget.probing.timeline import Timeline

Loss = Callable[..., Any]
_OF_FIRST = ("SW708", "SW709", "SW749", *MADE_WRONGLY)
"""Why the first batch is refused, where that is not the model's fault."""


def check_loader(
    loader: Any,
    *,
    model: Any = None,
    loss: Loss | None = None,
    ranks: int | None = None,
    limit: int | None = None,
    patience: float = PATIENCE,
) -> Report:
    """Go through a loader once and say what every batch is, and what is wrong with them.

    The loader, its samplers and all random number generators are left as found.

    Args:
        loader: A DataLoader, a list of batches, a generator that was not started, or anything else that can be gone
            through; a list of DataLoaders is one for each rank.
        model: Is run, on a copy, on the batches that differ: the first, the smallest, the largest, the last.
        loss: Called as ``loss(outputs, targets)`` in those runs.
        ranks: Show what each of so many ranks would read in distributed training; no process is started.
        limit: After how many batches to stop; by default where the loader ends, or after 100 batches if it does not say
            how many it has.
        patience: How many seconds one batch may take before the loader is said to be blocked.

    Returns:
        A report with `.batches`.

    Raises:
        InputError: An argument cannot be used, or the loader can be gone through only once.
        UnsupportedModelError: The model is of no framework that is loaded.
    """
    for name, value in (("ranks", ranks), ("limit", limit)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InputError(f"{name}={value!r} is no number. Expected a whole number of at least 1, such as 4.")
    if loss is not None and model is None:
        raise InputError("A loss was given without the model whose outputs it takes. Give both: model=..., loss=...")
    shared = ranks_of(loader)
    if shared is not None and ranks not in (None, len(shared.shares)):
        raise InputError(f"ranks={ranks}, but the list has {len(shared.shares)} loaders, one a rank. Leave ranks out.")
    adapter = adapter_for(model) if model is not None else None
    parts = functools.partial(adapter.split, model, loss=loss) if adapter is not None else split
    found = read(loader[0] if shared is not None else loader, parts, limit=limit, patience=patience)
    evidence = gather(found, adapter, model, loss, ranks=ranks, shared=shared)
    findings = diagnose_loader(evidence)
    first = evidence.tried.batches.get(0)
    is_told = any(finding.code in _OF_FIRST for finding in findings)
    if first is not None and first.refusal is not None and not is_told:
        findings = by_severity([*findings, first.refusal])
    graph = LayerGraph((), (), title=evidence.settings.title)
    framework = adapter.name if adapter is not None else ""
    return Report(
        findings, graph, framework, notes=found.notes, batches=Timeline(evidence.batches, evidence.origins.ranks)
    )


def gather(
    found: Pass,
    adapter: Adapter | None,
    model: Any,
    loss: Loss | None,
    *,
    ranks: int | None = None,
    shared: Ranks | None = None,
) -> LoaderEvidence:
    """All that the rules look at: the pass, what the model makes of its batches, and where their samples come from."""
    trials, empty = Trials(found, adapter, model, loss), _empty_rows(found)
    turned = turned_labels([found.split(batch) for batch in found.kept.values()])
    behind = traced(found, is_supervised=loss is not None, ranks=ranks, shared=shared)
    return LoaderEvidence(
        behind.settings,
        tuple(found.batches),
        found.is_complete,
        found.failure,
        trials.of_pass(empty, behind.rounded_off, turned),
        behind.origins,
        empty,
        found.target_step,
        turned,
        rows_go_on([found.split(batch) for batch in found.kept.values()]),
        edited(found, trials.takes, is_cut_apart=isinstance(behind.origins.mispaired, CutApart)),
    )


def _empty_rows(found: Pass) -> EmptyRows | None:
    """Zeros at the end of the last batch of a pass that came to its end."""
    if not found.is_complete or len(found.batches) < 2 or found.batches[-1].size != found.batches[0].size:
        return None
    *others, (index, last) = found.kept.items()
    return empty_rows(index, last, [batch for _, batch in others])
