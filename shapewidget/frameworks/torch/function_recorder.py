"""Note the functions of torch that are called between layers, and which node made the tensors that they read."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import get_ident
from typing import Any

import torch
from torch import nn

from shapewidget.frameworks import source
from shapewidget.frameworks.torch.calls import (
    INDEXING,
    LEAVING,
    TAKING_GRADIENTS,
    arguments,
    index_text,
    is_in_place,
    is_upkeep,
    plain_name,
    takes_form_only,
)
from shapewidget.frameworks.torch.escaped_numbers import Leaving
from shapewidget.frameworks.torch.loss_ranges import odd_values
from shapewidget.frameworks.torch.nodes import Node
from shapewidget.frameworks.torch.provenance import Provenance, Slot
from shapewidget.frameworks.torch.repair import Repair, repair_operation
from shapewidget.frameworks.torch.tensors import flat, spec
from shapewidget.frameworks.torch.writes import Protected
from shapewidget.graph.records import Clash, LayerKind

REPAIRABLE = (RuntimeError, ValueError, IndexError, TypeError, AssertionError)
"""What torch raises for tensors that do not fit; `nn.MultiheadAttention` asserts."""

_LOSSES = frozenset(
    name for name in dir(nn.functional) if name.endswith("_loss") or name in ("cross_entropy", "kl_div", "nll_loss")
) | {"binary_cross_entropy", "binary_cross_entropy_with_logits"}


class FunctionRecorder:
    """Records the functions that the thread calls which made it.

    Args:
        repair: Whether to fit tensors where a function refuses them.
        most_nodes: After how many the rest runs unrecorded; None for no end.
        protected: Tensors that get their values back at the end; None where the code runs for real.
    """

    def __init__(self, *, repair: bool, most_nodes: int | None, protected: Protected | None) -> None:
        """Start with an empty graph."""
        self.repair = repair
        self._most_nodes = most_nodes if most_nodes is not None else sys.maxsize
        self._protected = protected
        self.nodes: list[Node] = []
        self.clashes: list[Clash] = []
        self.lacks_gradients = False
        """Whether the program asked for gradients that are not kept."""
        self._tensors = Provenance()
        self._leavings: list[Leaving] = []
        self._groups: list[Node] = []
        self._inside_layer = False
        self._calls: dict[str, int] = {}
        self._thread = get_ident()

    def add(
        self, kind: LayerKind, name: str, type_: str, path: str, *, id_: str, read: tuple[torch.Tensor, ...] = ()
    ) -> Node:
        """Append a node that reads these tensors."""
        with torch._C.DisableTorchFunction():  # looking at a tensor is a call of a torch function too
            count = self._calls[id_] = self._calls.get(id_, 0) + 1
            inputs = (spec(read[0]),) if len(read) == 1 else tuple(map(spec, read))  # a `map` costs as much as a `spec`
            parent = self._groups[-1].id if self._groups else None
            node = Node(id_ if count == 1 else f"{id_}#{count}", kind, name, type_, path, parent, inputs)
            for place, tensor in enumerate(read):
                slot = self._tensors.producer(tensor)
                if slot is not None:
                    node.reads.append((slot, place))
            node.escaped = self._tensors.came_back(read)
            self.nodes.append(node)
        return node

    def gives(self, index: int, tensors: tuple[torch.Tensor, ...]) -> None:
        """Note the outputs of the node at `index`."""
        with torch._C.DisableTorchFunction():
            self.nodes[index].outputs = (spec(tensors[0]),) if len(tensors) == 1 else tuple(map(spec, tensors))
            for place, tensor in enumerate(tensors):
                self.produced(tensor, Slot(index, place), wrote=True)

    def produced(self, tensor: torch.Tensor, slot: Slot, *, wrote: bool) -> None:
        """Note that a node gave this tensor; `wrote` if it changed memory that may have other views."""
        self._tensors.produced(tensor, slot, wrote=wrote)

    def _parent(self) -> str | None:
        return self._groups[-1].id if self._groups else None

    def _scope(self) -> str:
        return self._groups[-1].path if self._groups else ""

    def clash(self, node: Node, repair: Repair) -> None:
        """Note that a node was refused."""
        self.clashes.append(replace(repair.clash, layer_id=node.id))

    @property
    def is_full(self) -> bool:
        """Whether so much was recorded that the rest runs unrecorded."""
        return len(self.nodes) >= self._most_nodes

    def _is_passed_by(self) -> bool:
        return self._inside_layer or get_ident() != self._thread or len(self.nodes) >= self._most_nodes

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Record nothing of what the block runs: it is no part of the program, as the reading of samples is none."""
        was_inside, self._inside_layer = self._inside_layer, True
        try:
            yield
        finally:
            self._inside_layer = was_inside

    @contextlib.contextmanager
    def group(self, name: str, type_: str) -> Iterator[None]:
        """Put what the block runs into a group of its own."""
        node = self.add(LayerKind.GROUP, name, type_, name, id_=name)
        self._groups.append(node)
        try:
            yield
        finally:
            self._groups.pop()

    def call_function(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Stand in for a torch function called between layers."""
        __tracebackhide__ = True
        if self._protected is not None:
            self._protected.before(function, args, kwargs)
        if self._is_passed_by() or is_upkeep():
            return function(*args, **kwargs)
        repair = None
        try:
            output = function(*args, **kwargs)
        except REPAIRABLE as error:
            self.lacks_gradients |= function in TAKING_GRADIENTS and not torch.is_grad_enabled()
            repair = repair_operation(function, args, kwargs, error, carry_on=self.repair)
            if not repair.carried_on:
                self.clash(self._add_operation(function, args, kwargs), repair)
                raise
            output = repair.output
        self._note_function(function, args, kwargs, output, repair)
        return output

    def _note_function(
        self, function: Callable[..., Any], args: Any, kwargs: Any, output: Any, repair: Repair | None
    ) -> None:
        name = function.__name__
        if name == "__setitem__":
            outputs: tuple[torch.Tensor, ...] = (args[0],)
        elif isinstance(output, (torch.Tensor, tuple, list)) and name != "tolist":
            outputs = flat(output)
        else:
            if name in LEAVING:
                self._note_leaving(args[0], output)
            return
        if not outputs or (name == "__get__" and self._is_known_attribute(function, args[0], outputs[0])):
            return
        in_place = is_in_place(name)
        written = [in_place or self._tensors.own_producer(tensor) is not None for tensor in outputs]
        node = self._add_operation(function, args, kwargs)
        index = len(self.nodes) - 1
        if repair is not None:
            self.clash(node, repair)
        elif node.kind is LayerKind.LOSS:
            node.settings = {**(node.settings or {}), **odd_values(function, args, kwargs)}
        node.outputs = tuple(map(spec, outputs))
        for place, (tensor, wrote) in enumerate(zip(outputs, written, strict=True)):
            self.produced(tensor, Slot(index, place), wrote=wrote)

    def _note_leaving(self, tensor: torch.Tensor, value: Any) -> None:
        slot = self._tensors.producer(tensor)
        if slot is not None:
            self._tensors.left(value, slot)
            line = source.here()
            if line is not None:
                self._leavings.append(Leaving(line, slot, len(self.nodes)))

    def _is_known_attribute(self, function: Callable[..., Any], owner: Any, value: torch.Tensor) -> bool:
        if function.__self__.__name__ == "grad":  # type: ignore[attr-defined]
            return True
        return value is owner or isinstance(value, nn.Parameter) or self._tensors.own_producer(value) is not None

    def _add_operation(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Node:
        name = plain_name(function)
        scope = self._parent() or ""
        kind = LayerKind.LOSS if name in _LOSSES else LayerKind.OPERATION
        read = flat((args, kwargs) if kwargs else args)
        node = self.add(kind, name, name, self._scope(), id_=f"{scope}/{name}" if scope else name, read=read)
        node.settings = {"1": index_text(args[1])} if function.__name__ in INDEXING else arguments(args, kwargs)
        if name == "gradient" and any(isinstance(tensor, nn.Parameter) for tensor in read):
            node.settings = {**node.settings, "learned": True}
        node.line = source.here()
        node.escaped = self._tensors.came_back((*args, *kwargs.values()))
        if takes_form_only(name):
            node.reads.clear()
        return node
