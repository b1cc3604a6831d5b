"""A model as a message to another process: without its weights, whose values cost neither time nor memory."""

from __future__ import annotations

import io
import pickle
from typing import Any

import torch
from torch import nn

try:
    from cloudpickle import Pickler
except ImportError:
    Pickler = pickle.Pickler

_WEIGHT = 0.01


class _WithoutWeights(Pickler):  # type: ignore[misc]  # one of two classes, and one of them untyped
    """Writes the shape of a weight in place of its values; what is known by one name twice stays one."""

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is nn.Parameter:
            return _weight, (tuple(obj.shape), obj.dtype, str(obj.device), obj.requires_grad)
        above = getattr(super(), "reducer_override", None)
        return NotImplemented if above is None else above(obj)


def packed(content: object) -> bytes:
    """Write anything that holds models.

    Classes and functions of a notebook can be sent where cloudpickle is installed, as it is with Dask.

    Raises:
        Exception: Whatever pickle raises of what it cannot write.
    """
    message = io.BytesIO()
    _WithoutWeights(message).dump(content)
    return message.getvalue()


def _weight(shape: tuple[int, ...], dtype: torch.dtype, device: str, requires_grad: bool) -> nn.Parameter:
    place = device if torch.device(device).type == "cpu" or torch.cuda.is_available() else "cpu"
    return nn.Parameter(torch.full(shape, _WEIGHT, dtype=dtype, device=place), requires_grad)
