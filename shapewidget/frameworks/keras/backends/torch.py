"""PyTorch: operations are seen as calls of the functions of Keras, and others where PyTorch dispatches functions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import torch
from keras.src import backend
from torch.overrides import TorchFunctionMode

from shapewidget.frameworks.keras.backends.following import Follower
from shapewidget.frameworks.keras.backends.functions import Calls
from shapewidget.frameworks.keras.backends.plain import Plain
from shapewidget.frameworks.keras.backends.protocol import Listener, Original, Silence
from shapewidget.frameworks.keras.backends.replacing import replaced

_KEPT_APART = ("_modules", "_parameters", "_buffers")
_WEIGHTS = "_torch_params"
"""Where Keras shows its weights to PyTorch once more."""
Held = tuple[torch.Tensor, torch.Tensor, int]


class Torch(Plain):
    """See `shapewidget.frameworks.keras.backends.protocol.Backend`."""

    package = "torch"
    packages: tuple[str, ...] = ()
    tensors: tuple[type, ...] = (torch.Tensor,)
    variables: tuple[type, ...] = (torch.Tensor,)
    stand_ins: tuple[int, ...] = (83, 89)
    tracebacks: tuple[Any, ...] = ()

    def machine(self) -> str:
        """Its threads and version, in words."""
        return f"{torch.get_num_threads()} threads, keras {keras.__version__}, torch {torch.__version__}"

    def device(self, tensor: torch.Tensor) -> str:
        """Where a tensor is: "cpu", "cuda:0"."""
        return str(tensor.device)

    def attributes(self, owner: Any) -> Mapping[str, Any]:
        """What a layer holds by name: modules and parameters among it, which PyTorch keeps apart."""
        held = vars(owner)
        apart = [held.get(name, {}) for name in _KEPT_APART]
        found = {name: value for each in (held, *apart) for name, value in each.items()}
        return {name: value for name, value in found.items() if name not in (*_KEPT_APART, _WEIGHTS)}

    @contextlib.contextmanager
    def same_random_state(self) -> Iterator[None]:
        """Give the generators of all devices their states back."""
        with torch.random.fork_rng():
            yield

    def held(self, variables: Sequence[Any]) -> Callable[[], None]:
        """Hold of each the tensor, a copy of it, and how often it was written to."""
        tensors = list(map(_tensor, variables))
        held = [(tensor, tensor.detach().clone(), tensor._version) for tensor in tensors]

        def give_back() -> None:
            for variable, (tensor, copy, version) in zip(variables, held, strict=True):
                if _tensor(variable) is tensor and tensor._version == version:
                    continue
                with torch.no_grad():
                    tensor.copy_(copy)
                if isinstance(variable, keras.Variable):
                    variable._value = tensor

        return give_back

    def eager_functions(self) -> contextlib.AbstractContextManager[None]:
        """Let `torch.compile` step aside."""
        stance: contextlib.AbstractContextManager[None] = torch.compiler.set_stance("force_eager")
        return stance

    def follow(self, model: keras.Model, called: Callable[..., float]) -> Callable[[], None]:
        """Tell of calls, and of the steps of `fit`."""
        return Follower(model, called).start()

    @contextlib.contextmanager
    def operations(self, listener: Listener) -> Iterator[Silence]:
        """Tell of every function of Keras or PyTorch that the block calls itself."""
        calls = Calls(listener, self.tensors)
        with calls.of_keras(), _Dispatched(calls), replaced(backend, "compute_output_spec", _once(listener)):
            yield contextlib.nullcontext


class _Dispatched(TorchFunctionMode):
    """Sees what PyTorch is asked for between the functions of Keras."""

    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self._calls = calls

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        __tracebackhide__ = True
        kwargs = kwargs or {}
        name = str(getattr(function, "__name__", "")).strip("_")
        if name in ("get", "set"):  # of an attribute, such as `shape`
            return function(*args, **kwargs)
        return self._calls.run_numbered(_NAMES.get(name, name), function, args, kwargs)


_NAMES = {"permute": "transpose", "transpose": "swapaxes"}
"""What PyTorch calls otherwise than everybody else."""


def _tensor(variable: Any) -> torch.Tensor:
    tensor: torch.Tensor = variable._value if isinstance(variable, keras.Variable) else variable
    return tensor


def _once(listener: Listener) -> Any:
    """Keras runs a function twice, with two sizes for those that are not known: what it runs is told once."""

    def wrap(original: Original) -> Original:
        def computed(function: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            ran: list[bool] = []

            def run(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                if ran:
                    return listener.unseen(function, *args, **kwargs)
                output = listener.tried(function, *args, **kwargs)
                ran.append(True)
                return output

            return original(run, *args, **kwargs)

        return computed

    return wrap
