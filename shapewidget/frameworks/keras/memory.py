"""Bytes of a run: measured where TensorFlow tells its peak, else estimated from the sizes of tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_callbacks

from shapewidget.frameworks.keras.names import UNTOLD, plain_name
from shapewidget.graph.costs import Segment

_ALIASES = frozenset(("identity", "reshape", "expand_dims", "squeeze", "stop_gradient", "identity_n"))
"""Operations whose result lies where their operand lies."""


def measured_peak(call: Callable[[], object], device: str) -> int | None:
    """Peak bytes that a call allocates beyond what was there; None where TensorFlow does not tell, as on a CPU."""
    kind, _, number = device.partition(":")
    if kind != "gpu":
        return None
    place = f"GPU:{number or 0}"
    before = tf.config.experimental.get_memory_info(place)["current"]
    tf.config.experimental.reset_memory_stats(place)
    call()
    return int(tf.config.experimental.get_memory_info(place)["peak"]) - int(before)


@dataclass
class Results:
    """What the operations of a run gave.

    Attributes:
        keep: Told of the bytes that every operation keeps.
        kept: Bytes of all results: as much as the backward pass can need.
        widest: Bytes of the operands and results of the largest operation.
        forward: The operations of a pass that lets go of each result.
        training: The same of one that keeps them.
    """

    keep: Callable[[int], None]
    kept: int = 0
    widest: int = 0
    forward: list[Segment] = field(default_factory=list)
    training: list[Segment] = field(default_factory=list)

    def note(
        self, kind: Any, inputs: Any, attributes: Any, outputs: Any, op_name: Any = None, graph: Any = None
    ) -> None:
        """An operation ran; called by TensorFlow."""
        name = plain_name(kind.decode() if isinstance(kind, bytes) else kind)
        if graph is not None or name in UNTOLD:
            return
        given = _bytes(outputs)
        self.widest = max(self.widest, given + _bytes(inputs))
        self.forward.append(Segment(name, 0, given + _bytes(inputs)))
        if name not in _ALIASES:
            self.kept += given
            self.keep(given)
            self.training.append(Segment(name, given, given))


def results_of(call: Callable[[], Any], keep: Callable[[int], None]) -> tuple[Results, Any]:
    """The results of the operations that a call runs one by one, each told to `keep`, and what it gives."""
    found = Results(keep)
    op_callbacks.add_op_callback(found.note)
    try:
        return found, call()
    finally:
        op_callbacks.remove_op_callback(found.note)


def _bytes(tensors: Any) -> int:
    return sum(tensor.shape.num_elements() * tensor.dtype.size for tensor in tensors if tensor.dtype.is_floating)
