"""Fit a tensor where a layer or a function refuses it, so that one run meets every mismatch of a model.

What was refused is read off the tensors and what the layer declares, never off the text of the error: the text varies
between versions, and for some layers it swaps what was expected and what was given.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from shapewidget.frameworks.torch.capacity import is_out_of_memory, out_of_memory
from shapewidget.frameworks.torch.divisions import not_divided
from shapewidget.frameworks.torch.layers import declared_sizes
from shapewidget.frameworks.torch.loss_refusals import loss_refused
from shapewidget.frameworks.torch.operations import Fitted, repair_function
from shapewidget.frameworks.torch.refusals import attention_refused, several_given, window_too_large
from shapewidget.frameworks.torch.reshaping import fit, text_of
from shapewidget.frameworks.torch.tensors import device_of
from shapewidget.graph.records import Clash, ClashKind

Call = Callable[..., Any]


@dataclass(frozen=True)
class Repair:
    """What was refused, and how it went on.

    Attributes:
        clash: The refusal; the recorder fills in its `layer_id`.
        carried_on: Whether the call was made with fitted tensors.
        output: What it gave then.
    """

    clash: Clash
    carried_on: bool = False
    output: Any = None


_NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


def repair_layer(module: nn.Module, args: Any, kwargs: Any, error: Exception, *, carry_on: bool) -> Repair:
    """Say what a layer refused, and call it with tensors that it takes."""
    if is_out_of_memory(error):
        return Repair(out_of_memory(error, device_of((args, kwargs))))
    text = text_of(error)
    if isinstance(module, nn.modules.loss._Loss):
        weights = {name: getattr(module, name, None) for name in ("weight", "pos_weight")}
        held = {**kwargs, **{name: value for name, value in weights.items() if value is not None}}
        refused: Fitted | None = loss_refused(type(module), args, held, text)
        return _carried_on(refused or (Clash("", ClashKind.OTHER, error=text), None), carry_on=carry_on)
    fitted = _refused(module, args, functools.partial(module.forward, **kwargs), text)
    if fitted is None:
        fitted = attention_refused(module, args, kwargs, text)
    return _carried_on(fitted or (Clash("", ClashKind.OTHER, error=text), None), carry_on=carry_on)


def repair_operation(
    function: Callable[..., Any], args: Any, kwargs: Any, error: Exception, *, carry_on: bool
) -> Repair:
    """Say what a function refused, and call it with tensors that it takes."""
    if is_out_of_memory(error):
        return Repair(out_of_memory(error, device_of((args, kwargs))))
    return _carried_on(repair_function(function, args, kwargs, text_of(error)), carry_on=carry_on)


def _carried_on(fitted: Fitted, *, carry_on: bool) -> Repair:
    clash, run = fitted
    if carry_on and run is not None:
        with contextlib.suppress(Exception):  # whatever the fitted call raises, there is no repair then
            return Repair(clash, True, run())
    return Repair(replace(clash, repair=""))


def _refused(module: nn.Module, args: Any, call: Call, text: str) -> Fitted | None:
    first = args[0] if args else None
    if not isinstance(first, torch.Tensor):
        return several_given(module, args, call, text)
    for check in _CHECKS:
        found = check(module, args, call, text)
        if found is not None:
            return found
    return None


def _weight(module: nn.Module) -> torch.Tensor | None:
    return next(module.parameters(recurse=True), None)


def _wrong_device(module: nn.Module, args: Any, call: Call, text: str) -> Fitted | None:
    weight = _weight(module)
    if weight is None or weight.device == args[0].device:
        return None
    clash = Clash("", ClashKind.DEVICE, 0, None, str(weight.device), str(args[0].device), error=text)
    return clash, None


def _wrong_dtype(module: nn.Module, args: Any, call: Call, text: str) -> Fitted | None:
    weight, given = _weight(module), args[0]
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        wanted = torch.int64
        is_wrong = given.dtype not in (torch.int64, torch.int32)
    elif weight is None:
        return None
    else:
        wanted = weight.dtype
        is_wrong = given.dtype != wanted and not isinstance(module, _NORMS)
    if not is_wrong:
        return None
    name = str(wanted).removeprefix("torch.")
    got = str(given.dtype).removeprefix("torch.")
    clash = Clash("", ClashKind.DTYPE, 0, None, name, got, repair=f"converted to {name}", error=text)
    return clash, lambda: call(given.to(wanted), *args[1:])


def _wrong_index(module: nn.Module, args: Any, call: Call, text: str) -> Fitted | None:
    if not isinstance(module, nn.Embedding) or args[0].numel() == 0:
        return None
    low, high = int(args[0].min()), int(args[0].max())
    if 0 <= low and high < module.num_embeddings:
        return None
    worst = low if low < 0 else high
    wanted = f"0 to {module.num_embeddings - 1}"
    clash = Clash("", ClashKind.INDEX, 0, None, wanted, worst, repair="clamped into the range", error=text)
    return clash, lambda: call(args[0].clamp(0, module.num_embeddings - 1))


def _ranks(module: nn.Module) -> tuple[int, ...]:
    """The numbers of axes that a layer takes; empty when it takes any."""
    if isinstance(module, _ConvNd):
        return len(module.kernel_size) + 2, len(module.kernel_size) + 1
    if isinstance(module, nn.RNNBase | nn.MultiheadAttention):
        return 3, 2
    by_class = ((nn.BatchNorm1d, (2, 3)), (nn.BatchNorm2d, (4,)), (nn.BatchNorm3d, (5,)))
    return next((ranks for kind, ranks in by_class if isinstance(module, kind)), ())


def _wrong_rank(module: nn.Module, args: Any, call: Call, text: str) -> Fitted | None:
    ranks, given = _ranks(module), args[0]
    if not ranks or given.dim() in ranks:
        return None
    return Clash("", ClashKind.RANK, 0, None, ranks[0], given.dim(), error=text), None


def _wrong_size(module: nn.Module, args: Any, call: Call, text: str) -> Fitted | None:
    given = args[0]
    wrong = [
        (declared.axis, declared.size)
        for declared in declared_sizes(module)
        if declared.axis is not None
        and -given.dim() <= declared.axis < given.dim()
        and given.shape[declared.axis] != declared.size
    ]
    if not wrong:
        return None
    axis, size = wrong[0]
    got = given.shape[axis]
    place = axis % given.dim()
    if isinstance(module, _NORMS):
        clash = Clash("", ClashKind.SIZE, 0, place, size, got, repair="passed through", error=text)
        return clash, lambda: given.clone()
    how = f"axis {place} of the input {'padded' if got < size else 'cut'} to {size}"
    clash = Clash("", ClashKind.SIZE, 0, place, size, got, repair=how, error=text)

    def run() -> Any:
        fitted = given
        for wrong_axis, wanted in wrong:
            fitted = fit(fitted, wrong_axis, wanted)
        if isinstance(module, nn.MultiheadAttention):
            return call(*(fit(tensor, -1, module.embed_dim) for tensor in args[:3]), *args[3:])
        return call(fitted, *args[1:])

    return clash, run


def _wrong_form(module: nn.Module, args: Any, call: Call, text: str) -> Fitted | None:
    """A recurrent layer given one tensor where it takes the pair (h, c), or a pair where it takes one tensor."""
    if not isinstance(module, nn.RNNBase | nn.RNNCellBase) or len(args) < 2 or args[1] is None:
        return None
    takes_pair = isinstance(module, nn.LSTM | nn.LSTMCell)
    if isinstance(args[1], tuple | list) == takes_pair:
        return None
    state = args[1] if takes_pair else args[1][0]
    shape = tuple(state.shape)
    pair, lone = f"a pair (h, c) of {shape} tensors", f"one {shape} tensor"
    expected, got = (pair, lone) if takes_pair else (lone, pair)
    clash = Clash("", ClashKind.FORM, 1, None, expected, got, repair="started from zeros", error=text)
    return clash, lambda: call(args[0])


def _wrong_state(module: nn.Module, args: Any, call: Call, text: str) -> Fitted | None:
    """A recurrent layer given a hidden state of another shape than its input asks for."""
    if not isinstance(module, nn.RNNBase | nn.RNNCellBase) or len(args) < 2 or args[1] is None:
        return None
    wanted = _state_shape(module, args[0])
    states = args[1] if isinstance(args[1], tuple) else (args[1],)
    for place, state in enumerate(states):
        if isinstance(state, torch.Tensor) and tuple(state.shape) != wanted:
            is_alike = state.dim() == len(wanted)
            wrong = [axis for axis in range(len(wanted)) if is_alike and state.shape[axis] != wanted[axis]]
            axis = wrong[0] if wrong else None
            expected: object = wanted if axis is None else wanted[axis]
            got: object = tuple(state.shape) if axis is None else state.shape[axis]
            clash = Clash("", ClashKind.SIZE, 1 + place, axis, expected, got, repair="started from zeros", error=text)
            return clash, lambda: call(args[0])
    return None


def _state_shape(module: nn.RNNBase | nn.RNNCellBase, given: torch.Tensor) -> tuple[int, ...]:
    if isinstance(module, nn.RNNCellBase):
        return (*given.shape[:-1], module.hidden_size)
    rows = module.num_layers * (2 if module.bidirectional else 1)
    width = module.proj_size or module.hidden_size
    return (rows, given.shape[0 if module.batch_first else 1], width) if given.dim() == 3 else (rows, width)


_CHECKS: tuple[Callable[[nn.Module, Any, Call, str], Fitted | None], ...] = (
    _wrong_device, _wrong_dtype, _wrong_index, _wrong_rank, _wrong_size, _wrong_form, _wrong_state, window_too_large,
    not_divided,
)  # fmt: skip
