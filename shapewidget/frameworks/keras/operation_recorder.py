"""What is told of the operations between layers, and makes nodes of them."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras

from shapewidget.frameworks import source
from shapewidget.frameworks.keras.backends.protocol import Again, Original, Settings
from shapewidget.frameworks.keras.direct import direct_frame, name_in
from shapewidget.frameworks.keras.names import DATA, READ_WEIGHT, SAME_VALUES, UNTOLD, plain_name
from shapewidget.frameworks.keras.nodes import Node, Nodes
from shapewidget.frameworks.keras.refusals import refused_by_operation, text_of
from shapewidget.frameworks.keras.stopgap import WENT_ON, fitted
from shapewidget.frameworks.keras.swaps import Swaps
from shapewidget.frameworks.keras.tensors import is_argument, leaves, shape
from shapewidget.graph.records import Clash, ClashKind, LayerKind


class OperationRecorder:
    """Notes the operations of the thread that made it. See `shapewidget.frameworks.keras.backends.protocol.Listener`.

    Args:
        root: The model that is probed; it is no node of its own graph. None where any code is watched.
        most_nodes: After how many the rest runs unrecorded; None for no end.
        nodes: Where to note them.
        repair: Whether a probe carries on past what is refused.
    """

    def __init__(self, root: keras.Model | None, most_nodes: int | None, nodes: Nodes, *, repair: bool) -> None:
        """Nothing runs yet."""
        self.nodes = nodes
        self._root = root
        self._carries_on = repair and root is not None
        self._most_nodes = most_nodes
        self._depth = 0
        self._blind = 0
        self._thread = threading.get_ident()
        self._inner: Clash | None = None
        self._noted = False
        self._trying = 0
        self._swaps = Swaps(nodes)
        self._weights: dict[int, weakref.ref[Any]] = {}

    @property
    def is_full(self) -> bool:
        """Whether so much was recorded that the rest runs unrecorded."""
        return self._most_nodes is not None and len(self.nodes.all) >= self._most_nodes

    def is_passed_by(self) -> bool:
        """Whether what runs now is not recorded."""
        return bool(self._blind) or self.is_full or threading.get_ident() != self._thread

    @contextlib.contextmanager
    def blindly(self) -> Iterator[None]:
        """Record nothing of what the block runs."""
        self._blind += 1
        try:
            yield
        finally:
            self._blind -= 1

    @contextlib.contextmanager
    def seeing(self) -> Iterator[None]:
        """Record what the block runs, in one that is not recorded."""
        blind, self._blind = self._blind, 0
        try:
            yield
        finally:
            self._blind = blind

    @contextlib.contextmanager
    def inside(self, node: Node | None) -> Iterator[None]:
        """Record what the block runs as part of a node."""
        self._depth += 1
        if node is not None:
            self.nodes.groups.append(node)
        try:
            yield
        finally:
            self._depth -= 1
            if node is not None:
                self.nodes.groups.pop()

    def begin(self) -> None:
        """Something new is called: an error from here on was not noted yet."""
        self._noted = False

    def note(self, node: Node, clash: Clash) -> None:
        """Note what refused a node, unless it was noted where it arose."""
        if not self._noted:
            self.nodes.clash(node, clash)
        self._noted = True

    def unseen(self, original: Original, *args: Any, **kwargs: Any) -> Any:
        """Run what is no part of the data flow."""
        __tracebackhide__ = True
        with self.blindly():
            return original(*args, **kwargs)

    def add_input(
        self, name: str, tensor: Any, declared: tuple[int | None, ...] | None = None, *, learned: bool = False
    ) -> None:
        """Append a node for a tensor that comes from outside."""
        node = self.nodes.add(LayerKind.INPUT, name, "input", "", id_=name)
        if declared is not None:
            node.settings["declared_shape"] = declared
        if learned:
            node.settings["learned"] = True
        self.nodes.gives(node, (tensor,))

    def tried(self, original: Original, *args: Any, **kwargs: Any) -> Any:
        """Run what is run again if it raises: of what raised nothing is noted."""
        __tracebackhide__ = True
        mark = self.nodes.mark()
        self._trying += 1
        try:
            return original(*args, **kwargs)
        except Exception:
            self.nodes.cut_back(mark)
            self.begin()
            raise
        finally:
            self._trying -= 1

    def _add_operation(self, name: str, given: Sequence[Any]) -> Node:
        group = self.nodes.groups[-1] if self.nodes.groups else None
        id_ = f"{group.id}/{name}" if group is not None else name
        node = self.nodes.add(LayerKind.OPERATION, name, name, group.path if group else "", id_=id_, read=given)
        node.line = source.here()
        frame = direct_frame() if self._root is None and group is None else None
        node.place = (frame, frame.f_lasti) if frame is not None else None
        return node

    def _is_read(self, tensor: Any) -> bool:
        """Whether a tensor is data, and no axis or shape that was handed over as a tensor."""
        return self.nodes.producer(tensor) is not None or not is_argument(tensor)

    def _know_direct(self, inputs: Sequence[Any]) -> None:
        """Make inputs of the tensors that the user's own code hands to an operation."""
        new = [each for each in leaves(list(inputs)) if len(shape(each)) and self.nodes.producer(each) is None]
        frame = direct_frame() if new and self._root is None and not self._depth else None
        for tensor in new if frame is not None else ():
            name = name_in(frame, tensor)  # type: ignore[arg-type]
            if name is not None or not is_argument(tensor):
                held = self._weights.get(id(tensor))
                self.add_input(name or "x", tensor, learned=held is not None and held() is tensor)

    def ran(self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], settings: Settings) -> None:
        """Note an operation of the backend, if it reads a tensor that is known."""
        if name in UNTOLD:
            if name == READ_WEIGHT and outputs:
                self._weights[id(outputs[0])] = weakref.ref(outputs[0])
            return
        if outputs and self.nodes.producer(outputs[0]) is not None:
            return  # it was refused, noted, and run with tensors that fit
        with self.blindly():
            self._know_direct(inputs)
            known = [tensor for tensor in inputs if self.nodes.producer(tensor) is not None]
            if not known:
                return
            if name in SAME_VALUES:
                self.nodes.same(outputs[0], known[0])
                return
            if not self._swaps.closes(name, inputs[0], source.here(), outputs):
                self._add_kernel(name, inputs, outputs, settings())

    def _add_kernel(
        self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], settings: dict[str, object]
    ) -> None:
        arguments = {id(each) for each in inputs if is_argument(each) and name != "stack"}
        arguments -= {id(each) for each in inputs if self.nodes.producer(each) is not None}
        read = [tensor for tensor in leaves(list(inputs)) if id(tensor) not in arguments]
        undone = self._swaps.undone(name, inputs[0], source.here())
        if undone is not None:
            read, settings = [undone[0]], settings | {"axis": undone[1]}
        before = self.nodes.mark() if name == "transpose" else None
        node = self._add_operation(name, read)
        node.settings = settings
        self.nodes.gives(node, leaves(list(outputs)))
        if before is not None:
            self._swaps.follow(node, before, inputs[0], outputs[0])
        if undone is not None:
            self._swaps.open(node, outputs[0])

    def gradient(self, original: Original, tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        """Stand in for `tf.GradientTape.gradient`: gradients of tensors, not those of weights, are used further on."""
        found = self.unseen(original, tape, target, sources, *args, **kwargs)
        if not self.is_passed_by():
            known = [each for each in leaves(sources) if self.nodes.producer(each) is not None]
            made = leaves(found)
            if known and len(made) == len(leaves(sources)):
                self.nodes.gives(self._add_operation("gradient", [*leaves(target), *known]), made)
        return found

    def goes_on(self, name: str, arguments: Mapping[str, Any]) -> bool:
        """Whether a probe carries on past an operation, which raises nothing then."""
        if not self._carries_on or self._trying or self.is_passed_by():
            return False
        with self.blindly():
            clash = refused_by_operation(plain_name(name), arguments, "")
        return clash.kind is not ClashKind.OTHER

    def refused(
        self, name: str, arguments: Mapping[str, Any], error: BaseException, again: Again | None = None
    ) -> Sequence[Any] | None:
        """Note an operation of TensorFlow that raised; one inside a layer is kept for what is said of the layer."""
        may_go_on = again is not None and self.goes_on(name, arguments)
        name = plain_name(name)
        if threading.get_ident() != self._thread or name in DATA:
            return None
        with self.blindly():
            if self._blind == 1:
                self._know_direct(list(arguments.values()))
            clash = refused_by_operation(name, arguments, text_of(error))
            if self._blind > 1:
                self._inner = clash
                return None
            outputs = _run_again(clash, again, error) if again is not None and may_go_on else None
            node = self._add_operation(name, [each for each in leaves(list(arguments.values())) if self._is_read(each)])
            if "axis" in arguments:
                with contextlib.suppress(TypeError, ValueError):  # several axes, or one that is not known yet
                    node.settings["axis"] = int(arguments["axis"])
            if outputs is not None:
                self.nodes.gives(node, leaves(list(outputs)))
            self.note(node, clash if outputs is None else replace(clash, repair=WENT_ON.format("the run")))
        self._noted = outputs is None
        return outputs


def _run_again(clash: Clash, again: Again, error: BaseException) -> Sequence[Any] | None:
    """What an operation gives for tensors that fit; None where none can be made."""
    inputs, run = again
    with contextlib.suppress(Exception):
        found = fitted(clash, (list(inputs),), {}, error)
        return run(found[0][0]) if found is not None else None
    return None
