"""A checkpoint that a model refuses: which weights differ, and with what argument the model would take it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from shapewidget.errors import RebuildError
from shapewidget.frameworks.source.arithmetic import is_size
from shapewidget.frameworks.source.frames import Capture, is_own
from shapewidget.frameworks.torch.constructor import find_constructor
from shapewidget.frameworks.torch.likeness import Shape, shapes
from shapewidget.frameworks.torch.rehearsal import undisturbed
from shapewidget.graph.records import Clash, ClashKind

_STEPS = (1, 2, 8)


@dataclass(frozen=True)
class RefusedCheckpoint:
    """A call of `load_state_dict` that raised.

    Attributes:
        clash: The shape that the model has and the one that is stored, or the names that are missing and unknown.
        tensors: The stored weight.
        line: The user's line.
        module: The model that was to take the checkpoint.
        settings: What a rule has to know: the weight's name, how many differ, arguments that would fit.
    """

    clash: Clash
    tensors: tuple[torch.Tensor, ...]
    line: Capture
    module: nn.Module
    settings: Mapping[str, object] = field(default_factory=dict)
    name: str = "load_state_dict"


def refused_checkpoint(error: BaseException) -> RefusedCheckpoint | None:
    """What a model refused about a checkpoint; None for any other error."""
    line: Capture | None = None
    called: Mapping[str, Any] = {}
    trace = error.__traceback__
    while trace is not None and not called:
        frame = trace.tb_frame
        if frame.f_code is nn.Module.load_state_dict.__code__:
            called = frame.f_locals
        elif is_own(frame.f_code.co_filename):
            line = frame.f_code, trace.tb_lasti
        trace = trace.tb_next
    if not called or line is None or not isinstance(called.get("state_dict"), Mapping):
        return None
    text = f"{type(error).__name__}: {str(error).strip()}"
    return _refused(called["self"], called["state_dict"], line, text)


def _refused(module: nn.Module, state: Mapping[str, Any], line: Capture, text: str) -> RefusedCheckpoint:
    stored = {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
    own = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    wrong = [key for key, shape in own.items() if key in stored and tuple(stored[key].shape) != shape]
    missing, unknown = ([key for key in one if key not in other] for one, other in ((own, stored), (stored, own)))
    settings: dict[str, object] = {"missing": tuple(missing), "unknown": tuple(unknown), "model": type(module).__name__}
    if not wrong:
        clash = Clash("", ClashKind.WEIGHTS, 0, None, tuple(missing[:3]), tuple(unknown[:3]), error=text)
        return RefusedCheckpoint(clash, (), line, module, settings)
    key = wrong[0]
    wanted, got = own[key], tuple(stored[key].shape)
    differing = [axis for axis, pair in enumerate(zip(wanted, got, strict=False)) if pair[0] != pair[1]]
    axis = differing[0] if len(wanted) == len(got) else None
    clash = Clash("", ClashKind.WEIGHTS, 0, axis, wanted, got, error=text)
    held = {name: tuple(value.shape) for name, value in stored.items()}
    arguments = tuple(dict.fromkeys(_arguments(module, key, held)))
    settings |= {"key": key, "differing": len(wrong), "arguments": arguments}
    return RefusedCheckpoint(clash, (stored[key],), line, module, settings)


def _arguments(module: nn.Module, key: str, stored: Mapping[str, Shape]) -> Iterator[tuple[str, int]]:
    """Arguments of the constructor with which the weight has the stored shape; those that fit all weights first."""
    with contextlib.suppress(RebuildError), undisturbed():
        constructor = find_constructor(module)
        found = []
        numbers = {name: value for name, value in constructor.arguments.items() if is_size(value)}
        for name, value in numbers.items():
            for wanted in _values(constructor, name, value, key, shapes(module), stored):
                with contextlib.suppress(RebuildError):
                    made = shapes(constructor.rehearsed({name: wanted}))
                    if made.get(key) == stored[key]:
                        found.append((made != dict(stored), name, wanted))
        yield from ((name, wanted) for _, name, wanted in sorted(found))


def _values(
    constructor: Any, name: str, value: Any, key: str, own: Mapping[str, Shape | None], stored: Mapping[str, Shape]
) -> Iterator[int]:
    """The value at which the weight would be as stored, its axes taken for straight lines."""
    for step in _STEPS:
        with contextlib.suppress(RebuildError):
            made = shapes(constructor.rehearsed({name: value + step})).get(key)
            for one, two, wanted in zip(own[key] or (), made or (), stored[key], strict=False):
                if one != two and (wanted - one) * step % (two - one) == 0:
                    yield value + (wanted - one) * step // (two - one)
            return
