"""The call that opens a dashboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shapewidget.notebook.dashboard import Dashboard
from shapewidget.probing.session import TIME_LIMIT, Session


def attach(
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
) -> Dashboard:
    """Open the dashboard on a live model: its layer graph, the findings, sliders, and memory and timing plots.

    Takes the arguments of `probe`; give `loss`, `targets` and `optimizer` to measure your own training step, or
    `step`, which makes it.

    Raises:
        ShapeWidgetError: The model or the inputs cannot be used; says why and what to do.
    """
    session = Session(
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
    )
    return Dashboard(session)
