"""The calls that a person makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shapewidget.probe.report import Report
from shapewidget.probe.session import Session

if TYPE_CHECKING:
    from shapewidget.notebook.dashboard import Dashboard


def probe(
    model: Any,
    inputs: Any = None,
    *,
    targets: Any = None,
    loss: Callable[..., Any] | None = None,
    axes: Any = None,
    build: Callable[..., Any] | None = None,
    optimizer: Callable[..., Any] | None = None,
    device: str | None = None,
) -> Report:
    """Run a model on a probe batch and say where its shapes agree and where they do not.

    Args:
        model: A live `torch.nn.Module`. It is left exactly as it is.
        inputs: A tensor, a tuple (positional) or a dict (keywords). None derives a batch from the model.
        targets: What the loss compares the outputs with.
        loss: Called as ``loss(outputs, targets)``.
        axes: What the axes of the inputs mean, as in "B T" or "T B F"; a tuple or dict for several inputs. By default
            the first axis is the batch, and the second of token ids and of 3-D floats is the sequence.
        build: ``build(hidden_size=...)`` gives a new model, where the constructor's arguments cannot be recovered.
        optimizer: Makes an optimiser of an iterable of weights; Adam by default.
        device: Probe a copy on this device instead of where the model is.

    Raises:
        ShapeWidgetError: The model or the inputs cannot be used; says why and what to do.
    """
    return Session(
        model, inputs, targets=targets, loss=loss, axes=axes, build=build, optimizer=optimizer, device=device
    ).report


def attach(
    model: Any,
    inputs: Any = None,
    *,
    targets: Any = None,
    loss: Callable[..., Any] | None = None,
    axes: Any = None,
    build: Callable[..., Any] | None = None,
    optimizer: Callable[..., Any] | None = None,
    device: str | None = None,
) -> Dashboard:
    """Open the dashboard on a live model: its layer graph, the findings, sliders, and memory and timing plots.

    Takes the arguments of `probe`; give `loss`, `targets` and `optimizer` to measure your own training step.

    Raises:
        ShapeWidgetError: The model or the inputs cannot be used; says why and what to do.
    """
    from shapewidget.notebook.dashboard import Dashboard

    session = Session(
        model, inputs, targets=targets, loss=loss, axes=axes, build=build, optimizer=optimizer, device=device
    )
    return Dashboard(session)
