"""Tensors, and lists of tensors, that a frame held beside those that its failing line read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from types import FrameType

import torch

from shapewidget.frameworks.adapter import InScope
from shapewidget.frameworks.torch.tensors import spec

_MOST = 64


def values_of(frame: FrameType) -> dict[str, object]:
    """Those of the frame's own names, by their names; what was collected in lists comes first."""
    own = [(name, value) for name, value in frame.f_locals.items() if not name.startswith("_")][:_MOST]
    lists = {name: value for name, value in own if isinstance(value, list) and _holds_tensors(value)}
    return lists | {name: value for name, value in own if isinstance(value, torch.Tensor) and value.dim()}


def _holds_tensors(values: list[object]) -> bool:
    return bool(values) and all(isinstance(value, torch.Tensor) and value.dim() for value in values)


def in_scope(values: Mapping[str, object]) -> Iterator[InScope]:
    """How each of them is written and what its shape is; lists are joined."""
    for name, value in values.items():
        with contextlib.suppress(RuntimeError):  # tensors that cannot be joined
            joined = torch.cat(value) if isinstance(value, list) else value
            found = spec(joined)  # type: ignore[arg-type]
            yield InScope(name, f"torch.cat({name})" if isinstance(value, list) else name, found.shape, found.dtype)
