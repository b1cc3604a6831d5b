"""What is told of everything that runs, and makes nodes of it: layers, operations between them, losses, errors."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from types import GeneratorType
from typing import Any

import keras

from shapewidget.errors import InputError
from shapewidget.frameworks import source
from shapewidget.frameworks.keras import kernels, layers
from shapewidget.frameworks.keras.arguments import argument_names, settings_of_call
from shapewidget.frameworks.keras.backends.protocol import Silence
from shapewidget.frameworks.keras.datasets import is_dataset
from shapewidget.frameworks.keras.loss_calls import LossCalls, Original
from shapewidget.frameworks.keras.names import plain_name
from shapewidget.frameworks.keras.naming import Naming
from shapewidget.frameworks.keras.nodes import Node, Nodes
from shapewidget.frameworks.keras.operation_recorder import OperationRecorder
from shapewidget.frameworks.keras.origins import called_at, called_here
from shapewidget.frameworks.keras.patches import installed
from shapewidget.frameworks.keras.refusals import refused_by_layer, refused_by_operation, refused_input, text_of
from shapewidget.frameworks.keras.refused_weights import refused_weights
from shapewidget.frameworks.keras.stopgap import WENT_ON, fitted
from shapewidget.frameworks.keras.tensors import is_symbolic, leaves, spec
from shapewidget.frameworks.keras.trace import Trace, is_traced
from shapewidget.frameworks.unstarted import again
from shapewidget.graph.records import Clash, ClashKind, LayerKind, Recording

_MOST_REPAIRS = 4


class Recorder(OperationRecorder):
    """Records what runs between `recording()` and its end.

    Args:
        root: The model that is probed; it is no node of its own graph. None where any code is watched.
        most_nodes: After how many the rest runs unrecorded; None for no end.
        nodes: Where to note them; by default in an empty graph.
        repair: Whether a probe carries on past what is refused.
    """

    def __init__(
        self,
        root: keras.Model | None = None,
        *,
        most_nodes: int | None = None,
        nodes: Nodes | None = None,
        repair: bool = True,
    ) -> None:
        """Start with an empty graph."""
        super().__init__(root, most_nodes, nodes if nodes is not None else Nodes(), repair=repair)
        self.losses = LossCalls(self)
        self._naming = Naming()
        self.trace = Trace()
        self.deferred: Exception | None = None
        self.loaders: list[tuple[Any, Any]] = []
        self._repaired: list[Any] = []
        self._silence: Silence = contextlib.nullcontext

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the block runs."""
        with installed(self) as self._silence:
            yield

    def key(self, tensor: Any) -> Hashable:
        """What tensors of equal values have in common: the output of a node that they are, or else the object."""
        slot = self.nodes.producer(tensor)
        return slot if slot is not None else id(tensor)

    def traced(self, stand_in: Original, original: Original, called: Any, args: Any, kwargs: Any) -> Any:
        """Note a call that is the user's own, and run what stands in for it."""
        __tracebackhide__ = True
        if self._depth or self.is_passed_by() or not is_traced(called):
            return stand_in(original, called, args, kwargs)
        entry = self.trace.begin(called, args, kwargs, len(self.nodes.all), self.key)
        try:
            entry.output = stand_in(original, called, args, kwargs)
            entry.gives = tuple(map(self.key, leaves(entry.output)))
            return entry.output
        finally:
            entry.after = len(self.nodes.all)

    def used(self, model: Any, x: Any = None, *args: Any, **kwargs: Any) -> None:
        """Raise what building should have ended with, and keep what the model is given, where that is a loader."""
        self.stop_building()
        if isinstance(x, GeneratorType):
            with contextlib.suppress(InputError):  # it has begun, and cannot be gone through again
                self.loaders.append((again(x), model))
        elif is_dataset(x):
            self.loaders.append((x, model))

    def stop_building(self) -> None:
        """Raise what building should have ended with, before the model is put to use."""
        __tracebackhide__ = True
        if self.deferred is not None and not self._blind:
            raise self.deferred

    def compiled(self, model: Any) -> None:
        """Note where a model is compiled."""
        if not self.is_passed_by():
            self.trace.compiled.append((model, source.here()))

    def made(self, instance: Any) -> None:
        """Note where the user's code made a layer, operation or loss."""
        if not self.is_passed_by():
            self.trace.made[id(instance)] = instance, source.here()

    # -- layers -----------------------------------------------------------------------------------------------------

    def call_layer(self, original: Original, layer: Any, args: Any, kwargs: Any) -> Any:
        """Stand in for `Layer.__call__`."""
        __tracebackhide__ = True
        if self.is_passed_by():
            return original(layer, *args, **kwargs)
        self.begin()
        given = (*leaves(args), *leaves(kwargs))
        if not self._depth and not is_symbolic(given):
            self.stop_building()
        if layer is self._root or (self._is_outermost(layer) and not is_symbolic(given)):
            self._know(given, layer)
            with self.inside(None):
                return self._counted(original, layer, given, args, kwargs)
        self._know([tensor for tensor in given if isinstance(tensor, keras.KerasTensor)], None)
        call = self._call_whole if layers.is_drawn_whole(layer) else self._call_group
        return call(original, layer, given, args, kwargs)

    def _counted(self, original: Original, layer: Any, given: Sequence[Any], args: Any, kwargs: Any) -> Any:
        """Run a model; one that is given another number of tensors than it has inputs refuses them as a whole."""
        __tracebackhide__ = True
        try:
            return original(layer, *args, **kwargs)
        except Exception as error:
            wanted = len(layers.declared_shapes(layer))
            if not self._noted and wanted not in (0, len(given)):
                node = self._new(LayerKind.LAYER, layer, given, args, kwargs)
                node.settings["input_names"] = tuple(each.name for each in keras.tree.flatten(layer.inputs))
                self.note(node, Clash("", ClashKind.FORM, 0, None, wanted, len(given), error=text_of(error)))
            raise

    def _is_outermost(self, layer: Any) -> bool:
        return self._root is None and not self._depth and isinstance(layer, keras.Model)

    def _know(self, tensors: Sequence[Any], model: keras.Model | None) -> None:
        """Make inputs of the tensors that no node has made."""
        declared = layers.declared_shapes(model) if model is not None else []
        for place, tensor in enumerate(tensors):
            history = getattr(tensor, "_keras_history", None)
            if self.nodes.producer(tensor) is None and (model is not None or history is not None):
                operation = history.operation if history is not None else None
                if operation is not None and not isinstance(operation, keras.layers.InputLayer):
                    continue
                name = operation.name if operation is not None else "inputs"
                self.add_input(name, tensor, declared[place] if place < len(declared) else None)

    def _new(self, kind: LayerKind, layer: Any, given: Sequence[Any], args: Any, kwargs: Any) -> Node:
        owner = self.nodes.groups[-1] if self.nodes.groups else None
        name = self._naming.of(layer, owner.layer if owner is not None else self._root)
        path = f"{owner.path}.{name.shown}" if owner is not None and owner.path else name.shown
        id_ = f"{owner.id}.{name.stable}" if owner is not None else name.stable
        node = self.nodes.add(kind, name.shown, type(layer).__name__, path, id_=id_, read=given)
        node.layer, node.line = layer, source.here()
        if self._root is not None:
            node.line = node.line or called_at(layer)
        elif not self._depth and is_symbolic(given):
            called_here(layer, node.line)
        node.settings = settings_of_call(layer, given, args, kwargs)
        return node

    def _call_whole(self, original: Original, layer: Any, given: Sequence[Any], args: Any, kwargs: Any) -> Any:
        __tracebackhide__ = True
        node = self._new(LayerKind.LAYER, layer, given, args, kwargs)

        def refusal(args: Any, kwargs: Any, error: Exception) -> Clash:
            names = argument_names(layer, args, kwargs)
            return refused_by_layer(layer, leaves((args, kwargs)), names, self._inner, text_of(error))

        def run(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            self._inner = None
            with self.blindly(), self._silence():
                return original(layer, *args, **kwargs)

        output = self._carried_on(node, run, refusal, args, kwargs)
        self.nodes.gives(node, leaves(output))
        return output

    def _carried_on(self, node: Node, run: Original, refusal: Callable[..., Clash], args: Any, kwargs: Any) -> Any:
        """Run a call; one that is refused while a model is built or probed is noted, and run with tensors that fit."""
        __tracebackhide__ = True
        for repairs in range(_MOST_REPAIRS):
            try:
                output = run(*args, **kwargs)
                if repairs and not is_symbolic((args, kwargs)):
                    self.begin()  # what raises from here on is something else
                return output
            except Exception as error:
                clash = refusal(args, kwargs, error)
                is_symbolic_call = is_symbolic((args, kwargs))
                may_go_on = not self._depth if is_symbolic_call else self._carries_on
                found = self._fitted(clash, args, kwargs, error) if may_go_on else None
                if found is None:
                    self.note(node, clash)
                    raise
                if node.layer is None or node.layer not in self._repaired:
                    went_on = "building" if is_symbolic_call else "the run"
                    self.note(node, replace(clash, repair=WENT_ON.format(went_on)))
                self._repaired.append(node.layer)
                args, kwargs, new, old = found
                self.nodes.same(new, old)
                if is_symbolic_call:
                    self.deferred = self.deferred or error
        return run(*args, **kwargs)

    def _fitted(self, clash: Clash, args: Any, kwargs: Any, error: Exception) -> tuple[Any, Any, Any, Any] | None:
        """See `stopgap.fitted`; None also where a tensor cannot be made to fit."""
        with self.blindly(), contextlib.suppress(Exception):
            return fitted(clash, args, kwargs, error)
        return None

    def _call_group(self, original: Original, layer: Any, given: Sequence[Any], args: Any, kwargs: Any) -> Any:
        __tracebackhide__ = True
        node = self._new(LayerKind.GROUP, layer, given, args, kwargs)
        count = len(self.nodes.all)
        try:
            with self.inside(node):
                output = original(layer, *args, **kwargs)
        except Exception as error:
            self.note(node, refused_by_layer(layer, given, (), None, text_of(error)))
            raise
        outputs = leaves(output)
        if len(self.nodes.all) == count:
            node.kind = LayerKind.LAYER
        if len(self.nodes.all) == count or is_symbolic(output):
            self.nodes.gives(node, outputs)
        else:
            node.reads.clear()
            node.outputs = tuple(map(spec, outputs))
        return output

    def build_layer(self, original: Original, layer: Any, *args: Any) -> Any:
        """Stand in for `Layer._maybe_build`: what a layer runs to build itself it runs again when it is called."""
        __tracebackhide__ = True
        if layer.built or self.is_passed_by():
            return original(layer, *args)
        mark, repaired = self.nodes.mark(), len(self._repaired)
        result = original(layer, *args)
        self.nodes.cut_back(mark)
        del self._repaired[repaired:]
        self.begin()
        return result

    def set_weights(self, original: Original, layer: Any, weights: Any) -> Any:
        """Stand in for `Layer.set_weights`; a model whose layers have other weights is told as a whole."""
        try:
            return original(layer, weights)
        except ValueError as error:
            if not self.is_passed_by():
                clash, settings = refused_weights(layer, weights, text_of(error))
                self.begin()
                node = self._new(LayerKind.LAYER, layer, (), (), {})
                node.settings.update(settings)
                node.given = weights
                self.note(node, clash)
            raise

    # -- operations -------------------------------------------------------------------------------------------------

    def call_symbolic(self, original: Original, operation: Any, args: Any, kwargs: Any) -> Any:
        """Stand in for `Operation.symbolic_call`."""
        __tracebackhide__ = True
        if self.is_passed_by() or isinstance(operation, keras.layers.Layer):
            return original(operation, *args, **kwargs)
        self.begin()
        given = leaves((args, kwargs))
        self._know([tensor for tensor in given if isinstance(tensor, keras.KerasTensor)], None)
        node = self._add_operation(plain_name(type(operation).__name__), given)
        node.settings = kernels.settings_of(operation)

        def refusal(args: Any, kwargs: Any, error: Exception) -> Clash:
            arguments = {str(place): value for place, value in enumerate(args)} | vars(operation) | kwargs
            return refused_by_operation(node.name, arguments, text_of(error))

        output = self._carried_on(node, functools.partial(original, operation), refusal, args, kwargs)
        self.nodes.gives(node, leaves(output))
        return output

    # -- the end ----------------------------------------------------------------------------------------------------

    def fail(self, error: Exception) -> str:
        """Note an error that ended the run, unless it was noted where it arose; gives its text."""
        text = text_of(error)
        if not self._noted and self.deferred is None:
            inputs = (node for node in self.nodes.all if "declared_shape" in node.settings)
            found = next(((node, clash) for node in inputs if (clash := refused_input(node, text))), None)
            if found is not None:
                self.nodes.clash(*found)
            else:
                self.nodes.clashes.append(Clash("", ClashKind.OTHER, error=text))
        return text

    def recorded(self, title: str, stopped: str | None) -> Recording:
        """What was recorded, and the text of the error that ended it."""
        return Recording(self.nodes.graph(title), tuple(self.nodes.clashes), stopped=stopped)
