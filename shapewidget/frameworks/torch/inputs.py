"""The probe batch: the user's own inputs, checked and with names for their axes, or a batch derived from the model."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from shapewidget.errors import InputError
from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.axes import AxisNamer, Names
from shapewidget.frameworks.torch.checks import (
    Labelled,
    check_callable,
    check_devices,
    check_loss,
    check_not_empty,
    check_signature,
)
from shapewidget.frameworks.torch.derive import derive_inputs
from shapewidget.frameworks.torch.signature import labelled
from shapewidget.frameworks.torch.tensors import leaves


def make_batch(model: nn.Module, inputs: Any, targets: Any = None, axes: Any = None, loss: Any = None) -> Batch:
    """The batch that a probe of the model runs on.

    Args:
        model: Left as found.
        inputs: A tensor or NumPy array, a tuple (positional inputs) or a mapping (keyword inputs) of them; None to
            derive a batch from the model.
        targets: What the loss compares with, in any nesting.
        axes: Names of the axes of the inputs: "B T F" for the first, a tuple with an entry for each, or a dict by
            the names of forward's arguments. An input without an entry is named by its rank, dtype and sizes.
        loss: Only checked.

    Raises:
        InputError: An argument cannot be used; says which, and what to give instead.
        ProbeInputError: No inputs were given and none can be derived.
    """
    check_callable(model)
    check_loss(loss, targets)
    if inputs is None:
        for name, value in (("targets", targets), ("axes", axes)):
            if value is not None:
                raise InputError(
                    f"{name} were given without the inputs that they belong to. Give both: inputs=..., {name}=..."
                )
        return derive_inputs(model)
    args, kwargs, targets = _as_call(model, inputs, targets)
    tensors = list(labelled(model, args, kwargs))
    if not tensors:
        raise InputError(_no_tensor_in(inputs))
    check_signature(model, inputs, args, kwargs)
    labels = list(leaves(targets))
    check_devices(model, [*tensors, *((f"targets[{place}]", label) for place, label in enumerate(labels))])
    vectors = [leaf for leaf in (*labels, *(leaf for _, leaf in tensors)) if leaf.ndim == 1]
    namer = AxisNamer(model, [len(vector) for vector in vectors], labels)
    packed = [value for value in (*args, *kwargs.values()) if isinstance(value, PackedSequence)]
    named = _named(namer, tensors, axes, packed)
    check_not_empty(tensors, named)
    origin = "The NumPy arrays were copied to tensors." if any(map(_is_array, _values(inputs))) else ""
    return Batch(args, kwargs, targets, named, tuple(map(namer.target, labels)), origin)


def _named(
    namer: AxisNamer, tensors: Sequence[Labelled], axes: Any, packed: Sequence[PackedSequence]
) -> tuple[Names, ...]:
    """The axes of every tensor; those of a packed sequence have no names, as its size depends on the data."""
    entries = _entries(axes, [label for label, _ in tensors])
    unnamed = {id(leaf) for sequence in packed for leaf in sequence}
    named: list[Names] = []
    for label, tensor in tensors:
        if id(tensor) in unnamed:
            named.append(("",) * tensor.ndim)
        elif label in entries:
            named.append(namer.given(tensor, label, entries[label]))
        else:
            named.append(namer.input(tensor))
    return tuple(named)


def _as_call(model: nn.Module, inputs: Any, targets: Any) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
    """Inputs as the arguments of a call; arrays as tensors on the model's device."""
    device = next((weight.device for weight in chain(model.parameters(), model.buffers())), torch.device("cpu"))
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    if isinstance(inputs, Mapping):
        kwargs = {str(name): _as_tensors(value, device) for name, value in inputs.items()}
    elif isinstance(inputs, tuple) and not isinstance(inputs, PackedSequence):
        args = tuple(_as_tensors(value, device) for value in inputs)
    else:
        args = (_as_tensors(inputs, device),)
    return args, kwargs, _as_tensors(targets, device)


def _as_tensors(value: Any, device: torch.device) -> Any:
    if _is_array(value):
        try:
            return torch.from_numpy(value.copy()).to(device)
        except TypeError:
            raise InputError(
                f"A NumPy array of dtype {value.dtype} and shape {value.shape} has no counterpart in PyTorch. "
                "Give numbers or booleans, such as array.astype('float32')."
            ) from None
    if isinstance(value, PackedSequence):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_as_tensors(item, device) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(_as_tensors(item, device) for item in value)
    if type(value) is dict:
        return {key: _as_tensors(item, device) for key, item in value.items()}
    return value


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _values(value: Any) -> Iterator[Any]:
    """Whatever a nesting of tuples, lists and mappings holds."""
    if isinstance(value, list | tuple):
        yield from chain.from_iterable(map(_values, value))
    elif isinstance(value, Mapping):
        yield from chain.from_iterable(map(_values, value.values()))
    else:
        yield value


def _no_tensor_in(inputs: Any) -> str:
    said, step = type(inputs).__name__, "Turn it into a tensor first, as in torch.tensor(x)."
    if isinstance(inputs, list | tuple | Mapping):
        said += f" of {', '.join(sorted({type(value).__name__ for value in _values(inputs)})) or 'nothing'}"
    elif isinstance(inputs, Iterable) and not isinstance(inputs, str) and not hasattr(inputs, "shape"):
        step = "Give one batch of it, as in next(iter(x))."
    return (
        f"inputs must hold at least one tensor or NumPy array, got {said}. "
        f"A tensor, a tuple of positional inputs and a dict of keyword inputs will do. {step}"
    )


def _entries(axes: Any, labels: list[str]) -> dict[str, str]:
    """What the user says of the axes, by the label of the tensor."""
    if axes is None:
        return {}
    known = ", ".join(f"`{label}`" for label in labels)
    if isinstance(axes, str):
        found: dict[Any, Any] = {labels[0]: axes}
    elif isinstance(axes, Mapping):
        found = {f"{name}[0]" if f"{name}[0]" in labels else name: entry for name, entry in axes.items()}
        unknown = [name for name in found if name not in labels]
        if unknown:
            raise InputError(f"axes names an input {unknown[0]!r}, which there is not. The inputs are {known}.")
    elif isinstance(axes, list | tuple):
        if len(axes) > len(labels):
            raise InputError(
                f"axes has {len(axes)} entries for {len(labels)} input tensors: {known}. Give at most one each."
            )
        found = dict(zip(labels, axes, strict=False))
    else:
        raise InputError(
            f"axes must be a string such as 'B T F', a tuple or a dict of them, got {type(axes).__name__}."
        )
    for label, entry in found.items():
        if entry is not None and not isinstance(entry, str):
            raise InputError(
                f"axes of `{label}` must be a string such as 'B T F', got {type(entry).__name__}: {entry!r}."
            )
    return {label: entry for label, entry in found.items() if entry}
