"""Record one run of a model: every module, every function between them, and which tensor went where.

Modules are seen by wrapping `nn.Module.__call__` on the class (hooks on instances would switch off fast paths),
functions by a `TorchFunctionMode`, which is taken off while a layer of torch's own runs: the layer then takes the path
that it takes without us. All of it stands only while recording and lets other threads pass. Our own frames are hidden
from the tracebacks of IPython and pytest (`__tracebackhide__`).
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import nn
from torch._C import _len_torch_function_stack as _modes_on
from torch._C import _pop_torch_function_stack as _pop_mode
from torch._C import _push_on_torch_function_stack as _push_mode
from torch.overrides import TorchFunctionMode

from shapewidget.errors import TimeLimitError
from shapewidget.frameworks import source
from shapewidget.frameworks.cut_short import end_cut_short
from shapewidget.frameworks.torch import dynamo, layers
from shapewidget.frameworks.torch.checkpoints import RefusedCheckpoint, refused_checkpoint
from shapewidget.frameworks.torch.escaped_numbers import add_escaped
from shapewidget.frameworks.torch.function_recorder import REPAIRABLE, FunctionRecorder
from shapewidget.frameworks.torch.guard import function_modes, set_function_modes, surely
from shapewidget.frameworks.torch.loss_ranges import odd_values
from shapewidget.frameworks.torch.nodes import drawn
from shapewidget.frameworks.torch.provenance import Slot
from shapewidget.frameworks.torch.raised import raised_by_program
from shapewidget.frameworks.torch.repair import repair_layer
from shapewidget.frameworks.torch.reshaping import text_of
from shapewidget.frameworks.torch.tensors import flat, spec
from shapewidget.frameworks.torch.writes import Protected
from shapewidget.graph.records import Clash, ClashKind, LayerGraph, LayerKind


class _Facts(NamedTuple):
    """What the recorder has to know of a module whenever it is called."""

    path: str
    name: str
    type: str
    kind: LayerKind
    is_drawn_whole: bool


class _Mode(TorchFunctionMode):
    """Hands every call of a torch function to a recorder.

    Torch takes a mode off while it runs, and after an interrupt may put it on again when the recording is long over.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder: Recorder | None = recorder

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        __tracebackhide__ = True
        if self.recorder is None:
            return function(*args, **(kwargs or {}))
        return self.recorder.call_function(function, args, kwargs or {})


class Recorder(FunctionRecorder):
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
        super().__init__(
            repair=repair, most_nodes=most_nodes, protected=Protected(protected) if protected is not None else None
        )
        self.names = dict(names)
        self._facts: dict[nn.Module, _Facts] = {}
        self._mode: _Mode | None = None
        self._inside_fused = False
        self._failed_in: str | None = None
        self._line: source.Capture | None = None
        """Where the sequence is called whose layers run now: it calls them itself, and they have its line."""

    def _here(self) -> source.Capture | None:
        return self._line if self._line is not None else source.here()

    # -- modules ----------------------------------------------------------------------------------------------------

    def _known(self, module: nn.Module) -> _Facts:
        facts = self._facts.get(module)
        if facts is None:
            path = self.names.get(module)
            path = path if path is not None else self._path(module)
            class_: Any = type(module)
            type_, kind = _role(class_)
            name = path[path.rfind(".") + 1 :] or type_
            facts = self._facts[module] = _Facts(path, name, type_, kind, layers.is_drawn_whole(module))
        return facts

    def _path(self, module: nn.Module) -> str:
        """The path of a module that was not known: that of a whole model, named after its class."""
        root, known = type(module).__name__, set(self.names.values())
        count = next(count for count in itertools.count(1) if _numbered(root, count) not in known)
        root = _numbered(root, count)
        for name, child in module.named_modules():
            self.names.setdefault(child, f"{root}.{name}" if name else root)
        return self.names[module]

    def call_module(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Stand in for `nn.Module.__call__`."""
        __tracebackhide__ = True
        if self._is_passed_by():
            return original(module, *args, **kwargs)
        facts = self._known(module)
        if facts.is_drawn_whole:
            return self._call_layer(original, module, args, kwargs, facts)
        if facts.path:
            return self._call_group(original, module, args, kwargs, facts)
        return self._opened("", original, module, args, kwargs)

    def _call_layer(
        self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any, facts: _Facts
    ) -> Any:
        __tracebackhide__ = True
        path, name, type_, kind, _ = facts
        read = flat((args, kwargs) if kwargs else args)
        node = self.add(kind, name, type_, path, id_=path or type_, read=read)
        node.module, node.line = module, self._here()
        index = len(self.nodes) - 1
        self._inside_layer = True
        try:
            output = self._as_without_us(original, module, args, kwargs)
            if kind is LayerKind.LOSS:
                node.settings = layers.settings(module) | odd_values(type(module), args, kwargs, module)
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

    def _as_without_us(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Run a module with our mode off, unless hooks of the user's are to be watched or a mode stands above ours."""
        __tracebackhide__ = True
        is_off = not _modes_on()  # torch took it off, to run a function that calls this module
        if is_off or module._forward_hooks or module._forward_pre_hooks:
            return original(module, *args, **kwargs)
        if self._protected is not None:
            self._protected.before_layer(module, args)
        mode = _pop_mode()
        try:
            if mode is not self._mode:
                _push_mode(mode)
            return original(module, *args, **kwargs)
        finally:
            if mode is self._mode:
                _push_mode(mode)

    def _call_group(
        self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any, facts: _Facts
    ) -> Any:
        __tracebackhide__ = True
        path, name, type_, _, _ = facts
        read = flat((args, kwargs) if kwargs else args)
        node = self.add(LayerKind.GROUP, name, type_, path, id_=path, read=read)
        node.module, node.line = module, self._here()
        index = len(self.nodes) - 1
        self._groups.append(node)
        try:
            output = self._opened(node.id, original, module, args, kwargs)
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

    def _opened(self, scope: str, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Run a module that is recorded from the inside."""
        __tracebackhide__ = True
        is_fused = not self._inside_fused and layers.may_be_fused(module)
        refusals, line = len(self.clashes), self._line
        self._inside_fused |= is_fused
        self._line = self._here() if layers.is_sequence(module) else None
        try:
            output = original(module, *args, **kwargs)
        except Exception:
            if self._failed_in is None:
                self._failed_in = scope
            raise
        finally:
            self._inside_fused &= not is_fused
            self._line = line
        return (
            self._fused(original, module, args, kwargs, output)
            if is_fused and refusals == len(self.clashes)
            else output
        )

    def _fused(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any, recorded: Any) -> Any:
        """What torch's encoder gives unwatched: one fused kernel a layer, which also treats padding in another way.

        It was recorded on the path of its layers, as a graph wants it; what it gives is what it gives without us.
        """
        self._inside_layer = True
        try:
            output = self._as_without_us(original, module, args, kwargs)
        finally:
            self._inside_layer = False
        with torch._C.DisableTorchFunction():
            slot = self._tensors.producer(recorded)
            if slot is not None:
                outputs = self.nodes[slot.node].outputs
                self.nodes[slot.node].outputs = (*outputs[: slot.output], spec(output), *outputs[slot.output + 1 :])
                self.produced(output, slot, wrote=True)
        return output

    # -- the whole --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the block runs."""
        restored = self._protected.restored() if self._protected is not None else contextlib.nullcontext()
        with restored, dynamo.eager(), self._watching():
            yield

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        original, imported, recorder = nn.Module.__call__, len(sys.modules), self

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            return recorder.call_module(original, module, args, kwargs)

        def undo() -> None:
            nn.Module.__call__ = original  # type: ignore[method-assign]
            if self._mode is not None:
                self._mode.recorder = None
            set_function_modes([mode for mode in function_modes() if mode is not self._mode])
            if len(sys.modules) != imported:
                dynamo.give_back(call, original)
            self._mode = None  # it refers to us: without this, all that was recorded waits for the collector

        try:
            nn.Module.__call__ = call  # type: ignore[method-assign]
            self._mode = _Mode(self)
            _push_mode(self._mode)
            yield
        except BaseException as error:
            end_cut_short(error)
            raise
        finally:
            surely(undo)

    def fail(self, error: BaseException) -> str:
        """Note an error that ended the run, unless it was noted where it arose; gives its text."""
        text = text_of(error)
        if self.clashes and not self.clashes[-1].repair and self.clashes[-1].error == text:
            return text
        own = refused_checkpoint(error) or raised_by_program(error)
        if own is None or (own.clash.kind is ClashKind.MEMORY and self._failed_in):
            kind = ClashKind.TIME if isinstance(error, TimeLimitError) else ClashKind.OTHER
            clash = own.clash if own is not None else Clash("", kind, error=text)
            self.clashes.append(replace(clash, layer_id=self._failed_in or ""))
            return text
        scope = self._failed_in or ""
        id_ = f"{scope}/{own.name}" if scope else own.name
        node = self.add(LayerKind.OPERATION, own.name, own.name, scope, id_=id_, read=own.tensors)
        node.line, node.parent = own.line, scope or None
        node.settings = dict(own.settings)
        if isinstance(own, RefusedCheckpoint):
            node.settings["path"] = self.names.get(own.module, "")
        self.clashes.append(replace(own.clash, layer_id=node.id))
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
        if self._leavings:
            add_escaped(self.nodes, self._leavings)
        return drawn(self.nodes, {clash.layer_id for clash in self.clashes}, title)


@functools.lru_cache(maxsize=1024)
def _role(kind: type[Any]) -> tuple[str, LayerKind]:
    """What the modules of a class are called, and what they are where they are drawn whole."""
    return kind.__name__, LayerKind.LOSS if issubclass(kind, nn.modules.loss._Loss) else LayerKind.LAYER


def _numbered(name: str, count: int) -> str:
    return name if count == 1 else f"{name} ({count})"
