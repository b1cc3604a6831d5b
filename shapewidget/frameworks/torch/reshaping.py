"""Cut or pad a tensor to a size that its consumer takes."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def text_of(error: BaseException) -> str:
    """Type and text of an error on one line."""
    return f"{type(error).__name__}: {str(error).strip()}"


def fit(tensor: torch.Tensor, axis: int, size: int) -> torch.Tensor:
    """Cut an axis, or pad it with zeros, to `size`."""
    have = tensor.shape[axis]
    if have == size:
        return tensor
    if have > size:
        return tensor.narrow(axis, 0, size)
    missing = list(tensor.shape)
    missing[axis] = size - have
    return torch.cat([tensor, tensor.new_zeros(missing)], axis)


def fit_axes(tensor: torch.Tensor, shape: Sequence[int], keep: Sequence[int] = ()) -> torch.Tensor:
    """Fit every axis to `shape` except those in `keep`."""
    for axis, size in enumerate(shape):
        if axis not in keep:
            tensor = fit(tensor, axis, size)
    return tensor


def fit_to_broadcast(tensor: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Fit the axes, counted from the last, in which two tensors neither agree nor broadcast."""
    for axis in range(-1, -1 - min(tensor.dim(), other.dim()), -1):
        if tensor.shape[axis] != other.shape[axis] and 1 not in (tensor.shape[axis], other.shape[axis]):
            tensor = fit(tensor, axis, other.shape[axis])
    return tensor
