"""A softmax along another axis than the last, which TensorFlow runs as three kernels: one node, as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapewidget.frameworks.keras.nodes import Mark, Node, Nodes

_SOFTMAX = frozenset(("softmax", "log_softmax"))


class Swaps:
    """Follows the kernels that run.

    Args:
        nodes: Where they are noted.
    """

    def __init__(self, nodes: Nodes) -> None:
        """Nothing has been swapped."""
        self._nodes = nodes
        self._swap: tuple[Node, Mark, Any, Any] | None = None
        self._open: tuple[Node, Any] | None = None

    def undone(self, name: str, tensor: Any, line: Any) -> tuple[Any, int] | None:
        """What a softmax was given before its axes were swapped, and its axis there; None for anything else.

        The swap is noted no more.
        """
        swap, self._swap = self._swap, None
        if name not in _SOFTMAX or swap is None:
            return None
        node, before, given, made = swap
        if made is not tensor or node.line != line:
            return None
        self._nodes.cut_back(before)
        order = node.settings["perm"]
        assert isinstance(order, tuple)
        return given, order[-1]

    def open(self, node: Node, made: Any) -> None:
        """Wait until the axes of a softmax are swapped back."""
        self._open = node, made

    def closes(self, name: str, tensor: Any, line: Any, outputs: Sequence[Any]) -> bool:
        """Whether a kernel swaps them back: its output is then that of the softmax."""
        if self._open is None or name != "transpose" or self._open[1] is not tensor or self._open[0].line != line:
            return False
        self._nodes.gives(self._open[0], outputs)
        self._open = None
        return True

    def follow(self, node: Node, before: Mark, given: Any, made: Any) -> None:
        """Note that a transpose ran, which may be a swap."""
        if isinstance(node.settings.get("perm"), tuple):
            self._swap = node, before, given, made
