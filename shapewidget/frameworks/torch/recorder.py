"""Record one run of a model: every module, every function between them, and which tensor went where.

Modules are seen by wrapping `nn.Module.__call__` on the class (hooks on instances would switch off fast paths),
functions by a `TorchFunctionMode`. Who produced a tensor is known by the tensor's identity, or, where it was written
to in place through another view of its memory, by the last writer of its storage. Both are held weakly: recording
keeps no tensor alive. All of it stands only while recording and lets other threads pass.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from shapewidget.frameworks import source
from shapewidget.frameworks.torch import layers
from shapewidget.frameworks.torch.calls import INDEXING, arguments, index_text, is_upkeep, plain_name
from shapewidget.frameworks.torch.repair import Repair, repair_layer, repair_operation
from shapewidget.frameworks.torch.tensors import flat, spec, storage_of
from shapewidget.frameworks.torch.writes import Protected
from shapewidget.graph.records import (
    Agreement,
    Clash,
    ClashKind,
    Edge,
    Layer,
    LayerGraph,
    LayerKind,
    SourceLine,
    TensorSpec,
)

REPAIRABLE = (RuntimeError, ValueError, IndexError, TypeError, AssertionError)
"""What torch raises for tensors that do not fit; `nn.MultiheadAttention` asserts."""

_LOSSES = frozenset(
    name for name in dir(nn.functional) if name.endswith("_loss") or name in ("cross_entropy", "kl_div", "nll_loss")
) | {"binary_cross_entropy", "binary_cross_entropy_with_logits"}


class Slot(NamedTuple):
    """One output of one node."""

    node: int
    output: int


@dataclass(slots=True)
class _Node:
    id: str
    kind: LayerKind
    name: str
    type: str
    path: str
    parent: str | None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    module: nn.Module | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    line: Any = None
    reads: list[tuple[Slot, int]] = field(default_factory=list)
    reached: bool = True


class Recorder:
    """Records what runs between `recording()` and its end.

    Args:
        names: Dotted path of every module that is known by one.
        repair: Whether to fit tensors where a layer refuses them.
        most_nodes: After how many the rest runs unrecorded; None for no end.
        protected: Tensors that get their values back at the end; None where the code runs for real.
    """

    def __init__(
        self,
        names: Mapping[nn.Module, str],
        *,
        repair: bool = True,
        most_nodes: int | None = None,
        protected: Iterable[torch.Tensor] | None = None,
    ) -> None:
        """Start with an empty graph."""
        self.names = dict(names)
        self.repair = repair
        self.most_nodes = most_nodes
        self._protected = Protected(protected) if protected is not None else None
        self.nodes: list[_Node] = []
        self.clashes: list[Clash] = []
        self._producer: dict[int, tuple[weakref.ref[torch.Tensor], Slot]] = {}
        self._writer: dict[int, tuple[weakref.ref[torch.UntypedStorage], Slot]] = {}
        self._groups: list[_Node] = []
        self._inside_layer = False
        self._calls: dict[str, int] = {}
        self._thread = threading.get_ident()
        self._failed_in: str | None = None

    # -- tensors ----------------------------------------------------------------------------------------------------

    def produced(self, tensor: torch.Tensor, slot: Slot, *, wrote: bool) -> None:
        """Note that a node gave this tensor; `wrote` if it changed memory that may have other views."""
        self._producer[id(tensor)] = (weakref.ref(tensor), slot)
        storage = storage_of(tensor)
        if storage is not None and (wrote or self._last_writer(storage) is None):
            self._writer[storage._cdata] = (weakref.ref(storage), slot)

    def producer(self, tensor: torch.Tensor) -> Slot | None:
        """Which node this tensor's values come from."""
        own = self._own_producer(tensor)
        storage = storage_of(tensor)
        writer = self._last_writer(storage) if storage is not None else None
        if own is None or (writer is not None and writer.node > own.node):
            return writer
        return own

    def _own_producer(self, tensor: torch.Tensor) -> Slot | None:
        known = self._producer.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None

    def _last_writer(self, storage: torch.UntypedStorage) -> Slot | None:
        known = self._writer.get(storage._cdata)
        return known[1] if known is not None and known[0]() is storage else None

    # -- nodes ------------------------------------------------------------------------------------------------------

    def add(
        self, kind: LayerKind, name: str, type_: str, path: str, *, id_: str, read: tuple[torch.Tensor, ...] = ()
    ) -> _Node:
        """Append a node that reads these tensors."""
        with torch._C.DisableTorchFunction():  # looking at a tensor is a call of a torch function too
            return self._add(kind, name, type_, path, id_, read)

    def _add(
        self, kind: LayerKind, name: str, type_: str, path: str, id_: str, read: tuple[torch.Tensor, ...]
    ) -> _Node:
        count = self._calls[id_] = self._calls.get(id_, 0) + 1
        node = _Node(id_ if count == 1 else f"{id_}#{count}", kind, name, type_, path, self._parent())
        node.inputs = tuple(map(spec, read))
        for place, tensor in enumerate(read):
            slot = self.producer(tensor)
            if slot is not None:
                node.reads.append((slot, place))
        self.nodes.append(node)
        return node

    def gives(self, index: int, tensors: tuple[torch.Tensor, ...], *, wrote: bool = True) -> None:
        """Note the outputs of the node at `index`."""
        with torch._C.DisableTorchFunction():
            self.nodes[index].outputs = tuple(map(spec, tensors))
            for place, tensor in enumerate(tensors):
                self.produced(tensor, Slot(index, place), wrote=wrote)

    def _parent(self) -> str | None:
        return self._groups[-1].id if self._groups else None

    def _scope(self) -> str:
        return self._groups[-1].path if self._groups else ""

    def clash(self, node: _Node, repair: Repair) -> None:
        """Note that a node was refused."""
        self.clashes.append(replace(repair.clash, layer_id=node.id))

    @property
    def is_full(self) -> bool:
        """Whether so much was recorded that the rest runs unrecorded."""
        return self.most_nodes is not None and len(self.nodes) >= self.most_nodes

    def _is_passed_by(self) -> bool:
        return self._inside_layer or self.is_full or threading.get_ident() != self._thread

    # -- modules ----------------------------------------------------------------------------------------------------

    def _path(self, module: nn.Module) -> str:
        path = self.names.get(module)
        if path is None:
            root, known = type(module).__name__, set(self.names.values())
            count = next(count for count in itertools.count(1) if _numbered(root, count) not in known)
            root = _numbered(root, count)
            for name, child in module.named_modules():
                self.names.setdefault(child, f"{root}.{name}" if name else root)
            path = self.names[module]
        return path

    def call_module(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Stand in for `nn.Module.__call__`."""
        if self._is_passed_by():
            return original(module, *args, **kwargs)
        if layers.is_drawn_whole(module):
            return self._call_layer(original, module, args, kwargs)
        return self._call_group(original, module, args, kwargs)

    def _call_layer(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        path, kind_name = self._path(module), type(module).__name__
        kind = LayerKind.LOSS if isinstance(module, nn.modules.loss._Loss) else LayerKind.LAYER
        name = path.rsplit(".", 1)[-1] or kind_name
        node = self.add(
            kind, name, kind_name, path, id_=path or kind_name, read=flat((args, kwargs) if kwargs else args)
        )
        node.module, node.line = module, source.here()
        index = len(self.nodes) - 1
        self._inside_layer = True
        try:
            output = original(module, *args, **kwargs)
        except REPAIRABLE as error:
            fitted = repair_layer(module, args, kwargs, error, carry_on=self.repair)
            self.clash(node, fitted)
            if not fitted.carried_on:
                raise
            output = fitted.output
        finally:
            self._inside_layer = False
        self.gives(index, flat(output))
        return output

    def _call_group(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        path, kind_name = self._path(module), type(module).__name__
        if not path:
            return self._watched("", lambda: original(module, *args, **kwargs))
        read = flat((args, kwargs) if kwargs else args)
        name = path.rsplit(".", 1)[-1]
        node = self.add(LayerKind.GROUP, name, kind_name, path, id_=path, read=read)
        node.module, node.line = module, source.here()
        index = len(self.nodes) - 1
        self._groups.append(node)
        try:
            output = self._watched(node.id, lambda: original(module, *args, **kwargs))
        finally:
            self._groups.pop()
        if len(self.nodes) == index + 1:
            node.kind = LayerKind.LAYER
            self.gives(index, flat(output))
        else:
            node.reads.clear()
            with torch._C.DisableTorchFunction():
                node.outputs = tuple(map(spec, flat(output)))
        return output

    def _watched(self, scope: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception:
            if self._failed_in is None:
                self._failed_in = scope
            raise

    # -- functions --------------------------------------------------------------------------------------------------

    def call_function(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Stand in for a torch function called between layers."""
        if self._protected is not None:
            self._protected.before(function, args, kwargs)
        if self._is_passed_by() or is_upkeep():
            return function(*args, **kwargs)
        repair = None
        try:
            output = function(*args, **kwargs)
        except REPAIRABLE as error:
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
        elif isinstance(output, torch.Tensor | tuple | list):
            outputs = flat(output)
        else:
            return
        if not outputs or (name == "__get__" and self._is_known_attribute(function, args[0], outputs[0])):
            return
        written = [self._own_producer(tensor) is not None for tensor in outputs]
        in_place = name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
        node = self._add_operation(function, args, kwargs)
        index = len(self.nodes) - 1
        if repair is not None:
            self.clash(node, repair)
        node.outputs = tuple(map(spec, outputs))
        for place, (tensor, again) in enumerate(zip(outputs, written, strict=True)):
            self.produced(tensor, Slot(index, place), wrote=again or in_place)

    def _is_known_attribute(self, function: Callable[..., Any], owner: Any, value: torch.Tensor) -> bool:
        if function.__self__.__name__ == "grad":  # type: ignore[attr-defined]
            return True
        return value is owner or isinstance(value, nn.Parameter) or self._own_producer(value) is not None

    def _add_operation(self, function: Callable[..., Any], args: Any, kwargs: Any) -> _Node:
        name = plain_name(function)
        scope = self._parent() or ""
        kind = LayerKind.LOSS if name in _LOSSES else LayerKind.OPERATION
        read = flat((args, kwargs) if kwargs else args)
        node = self.add(kind, name, name, self._scope(), id_=f"{scope}/{name}" if scope else name, read=read)
        node.settings = {"1": index_text(args[1])} if function.__name__ in INDEXING else arguments(args, kwargs)
        node.line = source.here()
        return node

    # -- the whole --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the block runs."""
        original = nn.Module.__call__
        recorder = self

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return recorder.call_module(original, module, args, kwargs)

        class Mode(TorchFunctionMode):
            def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                return recorder.call_function(function, args, kwargs or {})

        nn.Module.__call__ = call  # type: ignore[method-assign]
        try:
            with (
                self._protected.restored() if self._protected is not None else contextlib.nullcontext(),
                _eager(),
                Mode(),
            ):
                yield
        finally:
            nn.Module.__call__ = original  # type: ignore[method-assign]

    @contextlib.contextmanager
    def group(self, name: str, type_: str) -> Iterator[None]:
        """Put what the block runs into a group of its own."""
        node = self.add(LayerKind.GROUP, name, type_, name, id_=name)
        self._groups.append(node)
        try:
            yield
        finally:
            self._groups.pop()

    def fail(self, error: Exception) -> str:
        """Note an error that ended the run, unless it was noted where it arose; gives its text."""
        text = f"{type(error).__name__}: {str(error).strip()}"
        if not self.clashes or self.clashes[-1].repair or self.clashes[-1].error != text:
            self.clashes.append(Clash(self._failed_in or "", ClashKind.OTHER, error=text))
        return text

    def add_unreached(self, model: nn.Module) -> None:
        """Append the layers that were declared behind the place where the run ended, as a chain."""
        called = {node.module for node in self.nodes}
        modules = [(name, module) for name, module in model.named_modules() if layers.is_drawn_whole(module)]
        last = max((place for place, (_, module) in enumerate(modules) if module in called), default=-1)
        known = {node.id for node in self.nodes}
        for name, module in modules[last + 1 :]:
            parents = [".".join(name.split(".")[: end + 1]) for end in range(name.count("."))]
            node = self.add(LayerKind.LAYER, name.rsplit(".", 1)[-1], type(module).__name__, name, id_=name or "model")
            node.module, node.reached = module, False
            node.parent = next((parent for parent in reversed(parents) if parent in known), None)
            if len(self.nodes) > 1:
                node.reads.append((Slot(len(self.nodes) - 2, 0), 0))

    def graph(self, title: str) -> LayerGraph:
        """What was recorded, without constants that nothing reads."""
        line = functools.cache(source.resolve)
        read = {slot.node for node in self.nodes for slot, _ in node.reads}
        clashed = {clash.layer_id for clash in self.clashes}
        kept = [
            place
            for place, node in enumerate(self.nodes)
            if node.kind is not LayerKind.OPERATION or node.reads or place in read or node.id in clashed
        ]
        return LayerGraph(
            tuple(_layer(self.nodes[place], line) for place in kept),
            tuple(
                Edge(
                    self.nodes[slot.node].id,
                    self.nodes[place].id,
                    slot.output,
                    input_,
                    Agreement.AGREE if self.nodes[place].reached else Agreement.UNREACHED,
                )
                for place in kept
                for slot, input_ in self.nodes[place].reads
            ),
            title=title,
        )


def _layer(node: _Node, line: Callable[[Any], SourceLine]) -> Layer:
    module = node.module
    return Layer(
        node.id,
        node.kind,
        node.name,
        node.type,
        node.path,
        node.parent,
        node.inputs,
        node.outputs,
        layers.declared_sizes(module) if module is not None else (),
        layers.settings(module) if module is not None else node.settings,
        _weights(module, whole=node.kind is LayerKind.LAYER) if module is not None else 0,
        line(node.line) if node.line is not None else None,
    )


def _weights(module: nn.Module, *, whole: bool) -> int:
    """Number of weights of a layer; of a group only those that no layer inside it holds."""
    weights = module.parameters() if whole and module._modules else module._parameters.values()
    return sum(weight.numel() for weight in weights if weight is not None)


def _numbered(name: str, count: int) -> str:
    return name if count == 1 else f"{name} ({count})"


@contextlib.contextmanager
def _eager() -> Iterator[None]:
    """Run compiled modules as written; dynamo is never imported for this, which would take seconds."""
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield
