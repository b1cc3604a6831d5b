"""TensorFlow: operations are seen through its callbacks.

A refused operation calls no callback: it is seen where TensorFlow turns its status into an error, with its operands in
the frame that called the kernel.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context, execute
from tensorflow.python.framework import op_callbacks, ops
from tensorflow.python.ops.resource_variable_ops import ResourceVariable
from tensorflow.python.util import traceback_utils

from shapewidget.frameworks.keras import kernels
from shapewidget.frameworks.keras.backends.following_functions import FunctionFollower
from shapewidget.frameworks.keras.backends.protocol import Listener, Original, Silence, TrainingWatch
from shapewidget.frameworks.keras.backends.replacing import instead, replaced
from shapewidget.frameworks.keras.names import plain_name
from shapewidget.graph.costs import Measurement

_GENERATED = re.compile(r"gen_\w+_ops\.py$")
"""Where TensorFlow calls its kernels, with their operands as arguments."""


class TensorFlow:
    """See `shapewidget.frameworks.keras.backends.protocol.Backend`."""

    package = "tensorflow"
    packages: tuple[str, ...] = ("tensorflow",)
    tensors: tuple[type, ...] = (tf.Tensor,)
    variables: tuple[type, ...] = (tf.Variable,)
    stand_ins: tuple[int, ...] = ()
    tracebacks: tuple[Any, ...] = (traceback_utils,)

    def machine(self) -> str:
        """Its threads and version, in words."""
        threads = tf.config.threading.get_intra_op_parallelism_threads()
        return f"{threads} threads, keras {keras.__version__}, tf {tf.__version__}"

    def device(self, tensor: tf.Tensor) -> str:
        """Where a tensor is: "cpu", "gpu:0"."""
        kind, _, number = str(tensor.device or "/device:CPU:0").rpartition("/device:")[2].partition(":")
        return "cpu" if kind == "CPU" else f"{kind.lower()}:{number}"

    def attributes(self, owner: Any) -> Mapping[str, Any]:
        """What a layer holds by name."""
        held: dict[str, Any] = vars(owner)
        return held

    @contextlib.contextmanager
    def same_random_state(self) -> Iterator[None]:
        """Give the generator of operations without a seed its state back."""
        inner = getattr(context.context(), "_rng", None)
        drawn = inner.getstate() if inner is not None else None
        try:
            yield
        finally:
            if inner is not None:
                inner.setstate(drawn)

    def held(self, variables: Sequence[Any]) -> Callable[[], None]:
        """Hold the values. They take no memory: TensorFlow copies a value that is held before it writes to it."""
        inner = [each.value if isinstance(each, keras.Variable) else each for each in variables]
        read = _reader(inner)
        values = read()

        def give_back() -> None:
            for variable, now, value in zip(inner, map(np.asarray, read()), map(np.asarray, values), strict=True):
                if not np.may_share_memory(now, value):
                    variable.assign(value)

        return give_back

    @contextlib.contextmanager
    def eager_functions(self) -> Iterator[None]:
        """Run `tf.function`s, and with them `fit`, as written."""
        was = tf.config.functions_run_eagerly()
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(was)

    def follow(self, model: keras.Model, called: Callable[..., float]) -> Callable[[], None]:
        """Tell of calls, and of functions that use the weights of the model."""
        return FunctionFollower(model, called).start()

    def training_watch(self) -> TrainingWatch:
        """What follows gradient tapes and datasets."""
        from shapewidget.frameworks.keras import training_log

        return training_log.TrainingWatch()

    def measure(self) -> Callable[..., Generator[None, None, Measurement]]:
        """Time and memory, in a `tf.function`."""
        from shapewidget.frameworks.keras.measure import measure

        return measure

    def peak_flops(self, device: str) -> float | None:
        """As many as a product of large matrices does."""
        from shapewidget.frameworks.keras import flops

        return flops.peak(device)

    @contextlib.contextmanager
    def operations(self, listener: Listener) -> Iterator[Silence]:
        """Tell of every kernel that the block runs, and of gradients of tensors."""

        def ran(kind: Any, inputs: Any, attributes: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
            if graph is None and not listener.is_passed_by():
                name = plain_name(kind.decode() if isinstance(kind, bytes) else kind)
                listener.ran(name, inputs, outputs, lambda: kernels.settings(name, inputs, attributes))

        with contextlib.ExitStack() as stack:
            op_callbacks.add_op_callback(ran)
            stack.callback(op_callbacks.remove_op_callback, ran)  # last: it puts `quick_execute` back where it was
            for owner, name, wrap in (
                (ops, "raise_from_not_ok_status", lambda original: _refused_eagerly(listener, original)),
                (execute, "quick_execute", lambda original: _refused_in_a_fallback(listener, original)),
                (ops, "_create_c_op", lambda original: _refused_in_a_graph(listener, original)),
                (tf.GradientTape, "gradient", instead(listener.gradient)),
                (tf.GradientTape, "jacobian", instead(listener.unseen)),
            ):
                stack.enter_context(replaced(owner, name, wrap))
            silence = _Without(ran)
            yield lambda: silence


class _Without:
    """Run the block without a callback: it would cost each kernel a call that leads to nothing."""

    def __init__(self, callback: Callable[..., None]) -> None:
        self._callback, self._context = callback, context.context()

    def __enter__(self) -> None:
        self._context.remove_op_callback(self._callback)

    def __exit__(self, *error: object) -> None:
        self._context.add_op_callback(self._callback)


def _reader(variables: Sequence[Any]) -> Callable[[], Sequence[tf.Tensor]]:
    """What reads their values, by one kernel a device: one each would take longer than all else in a large model."""
    by_device: dict[str, list[int]] = {}
    for place, each in enumerate(variables):
        if type(each) is ResourceVariable:
            by_device.setdefault(each.device, []).append(place)
    handles = {device: [variables[place].handle for place in places] for device, places in by_device.items()}
    kinds = {
        device: [variables[place].dtype.as_datatype_enum for place in places] for device, places in by_device.items()
    }

    def read() -> Sequence[tf.Tensor]:
        found = dict(enumerate(variables))
        for device, places in by_device.items():
            attributes = ("N", len(places), "dtypes", kinds[device])
            values = execute.execute(b"_ReadVariablesOp", len(places), handles[device], attributes, context.context())
            found |= zip(places, values, strict=True)
        return [each if isinstance(each, tf.Tensor) else tf.identity(each) for each in found.values()]

    return read


def _refused_eagerly(listener: Listener, original: Original) -> Original:
    """Raise, or let the function that called the kernel try it once more, as it does where its fast path fails."""

    def stand_in(error: BaseException, name: Any) -> Any:
        __tracebackhide__ = True
        frame = sys._getframe(1)
        kernel = _kernel(frame)
        if kernel is not None:
            if _GENERATED.search(frame.f_code.co_filename) and listener.goes_on(*kernel):
                return None
            listener.refused(*kernel, error)
        return original(error, name)

    return stand_in


def _refused_in_a_fallback(listener: Listener, original: Original) -> Original:
    def stand_in(op_name: Any, num_outputs: int, inputs: Any, attrs: Any, ctx: Any, name: Any = None) -> Any:
        __tracebackhide__ = True

        def run(inputs: Sequence[Any]) -> Any:
            return original(op_name, num_outputs, inputs, attrs, ctx, name)

        try:
            return run(inputs)
        except Exception as error:
            kernel = _kernel(sys._getframe(1))
            outputs = listener.refused(*kernel, error, (inputs, run)) if kernel is not None else None
            if outputs is None:
                raise
            return outputs

    return stand_in


def _kernel(frame: FrameType | None) -> tuple[str, Mapping[str, Any]] | None:
    """Which kernel is called: the function around the call has its operands as arguments."""
    while frame is not None and not _GENERATED.search(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return None
    code = frame.f_code
    names = [name for name in code.co_varnames[: code.co_argcount] if name in frame.f_locals]
    return code.co_name.removesuffix("_eager_fallback"), {name: frame.f_locals[name] for name in names}


def _refused_in_a_graph(listener: Listener, original: Original) -> Original:
    def stand_in(graph: Any, node_def: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return original(graph, node_def, inputs, *args, **kwargs)
        except ValueError as error:
            listener.refused(str(node_def.op), {str(place): value for place, value in enumerate(inputs)}, error)
            raise

    return stand_in
