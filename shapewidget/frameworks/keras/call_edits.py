"""Edits of the user's own call of `fit`, of a loss or of a model, so that it hands other tensors over."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from shapewidget.frameworks.keras.sites import Site
from shapewidget.frameworks.keras.steps import said
from shapewidget.frameworks.source.calls import argument
from shapewidget.frameworks.source.edits import as_operand
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.remedies import AdaptCall, SourceEdit
from shapewidget.graph.steps import Steps

_DATA = ("x", "y")
_TESTED = (*_DATA, "sample_weight")
_USES: Mapping[str, tuple[str, ...]] = {
    "fit": _DATA,
    "evaluate": _DATA,
    "train_on_batch": _TESTED,
    "test_on_batch": _TESTED,
    "compute_loss": (*_DATA, "y_pred", "sample_weight"),
}
_COMPARED = ("y_true", "y_pred", "sample_weight")


def handed_otherwise(site: Site, remedy: AdaptCall, *, is_dataset: bool) -> SourceEdit | None:
    """The edit of a call that hands targets, outputs, weights or the one input over otherwise.

    Args:
        site: The user's call of `fit`, of a loss or of a model.
        remedy: What is done to them.
        is_dataset: Whether `fit` was given a `tf.data.Dataset`.

    Returns:
        None where the call does not name all of them.
    """
    name = ast.unparse(site.call.func).rpartition(".")[2]
    if remedy.inputs:
        given = argument(site.call, "x", _DATA) if name in (*_USES, "predict") else _only(site.call)
        return _edited(site, [(given, remedy.inputs)]) if not is_dataset else None
    if is_dataset and name in ("fit", "evaluate"):
        return _mapped(site, remedy)
    names = _USES.get(name, _COMPARED)
    targets = "y" if name in _USES else "y_true"
    wanted = {targets: remedy.targets, "y_pred": remedy.outputs, "sample_weight": remedy.weights}
    changes = [(argument(site.call, key, names), steps) for key, steps in wanted.items() if steps]
    validation = argument(site.call, "validation_data", ())
    if validation is not None and remedy.targets:
        is_pair = isinstance(validation, ast.Tuple) and len(validation.elts) == 2
        changes.append((validation.elts[1] if is_pair else None, remedy.targets))  # type: ignore[attr-defined]
    return _edited(site, changes)


def targets_in_order(site: Site, order: Sequence[int]) -> SourceEdit | None:
    """The edit of a call of `fit` that hands the targets of several outputs over in another order."""
    name = ast.unparse(site.call.func).rpartition(".")[2]
    given = argument(site.call, "y", _USES[name]) if name in _USES else None
    if given is None:
        return None
    if isinstance(given, ast.List | ast.Tuple) and len(given.elts) == len(order):
        items = [site.source.text(Span.of(given.elts[place])) for place in order]
    else:
        items = [f"{as_operand(site.source, given)}[{place}]" for place in order]
    return site.source.replacing(Span.of(given), f"[{', '.join(items)}]")


def _only(call: ast.Call) -> ast.expr | None:
    return call.args[0] if len(call.args) == 1 and not isinstance(call.args[0], ast.Starred) else None


def _edited(site: Site, changes: list[tuple[ast.expr | None, Steps]]) -> SourceEdit | None:
    """All the changes of arguments at once; none of them changes how many lines there are."""
    known = [(Span.of(node), node, steps) for node, steps in changes if node is not None]
    if len(known) < len(changes) or not known:
        return None
    source = edited = site.source
    for span, node, steps in sorted(known, key=lambda each: each[0], reverse=True):
        text = said(steps, as_operand(source, node), _namespace(source))
        edited = edited.edited(edited.replacing(span, text))
    first, last = min(each[0].line for each in known), max(each[0].end_line for each in known)
    return SourceEdit(source.line(first).label, first, source.lines[first - 1 : last], edited.lines[first - 1 : last])


def _namespace(source: Source) -> str:
    """Where the code finds the operations of Keras."""
    return "ops" if "ops" in source.imported or "keras" not in source.imported else "keras.ops"


def _mapped(site: Site, remedy: AdaptCall) -> SourceEdit | None:
    """A dataset whose targets are changed."""
    data = argument(site.call, "x", _DATA)
    if data is None or remedy.outputs or remedy.weights or argument(site.call, "validation_data", ()) is not None:
        return None
    text = (
        f"{as_operand(site.source, data)}.map(lambda x, y: (x, {said(remedy.targets, 'y', _namespace(site.source))}))"
    )
    return site.source.replacing(Span.of(data), text)
