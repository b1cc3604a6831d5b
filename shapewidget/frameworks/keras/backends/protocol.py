"""What the adapter asks of the backend that Keras runs on, and what it tells of the operations that run on it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from shapewidget.graph.costs import Measurement
from shapewidget.graph.training import TrainingLog

Original = Callable[..., Any]
Settings = Callable[[], dict[str, object]]
Again = tuple[Sequence[Any], Callable[[Sequence[Any]], Sequence[Any]]]
"""What a refused operation was given, and what runs it with something else."""
Silence = Callable[[], AbstractContextManager[None]]
"""Where nothing would be noted, nothing is told: telling takes time too."""


class Listener(Protocol):
    """What is told of the operations between layers."""

    def is_passed_by(self) -> bool:
        """Whether what runs now is not recorded."""

    def blindly(self) -> AbstractContextManager[None]:
        """Record nothing of what the block runs."""

    def ran(self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], settings: Settings) -> None:
        """An operation ran that is not passed by; its settings are asked for only where it is noted."""

    def goes_on(self, name: str, arguments: Mapping[str, Any]) -> bool:
        """Whether what is refused now may be run with tensors that fit, as it is known what would fit."""

    def refused(
        self, name: str, arguments: Mapping[str, Any], error: BaseException, again: Again | None = None
    ) -> Sequence[Any] | None:
        """An operation was refused; gives the outputs of another run with tensors that fit, None where that ends it."""

    def gradient(self, original: Original, tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        """Stand in for what takes gradients of tensors."""

    def tried(self, original: Original, *args: Any, **kwargs: Any) -> Any:
        """Run what is run again if it raises: of what raised nothing is noted."""

    def unseen(self, original: Original, *args: Any, **kwargs: Any) -> Any:
        """Run what is no part of the data flow."""


class Draws(Protocol):
    """What a block drew from datasets.

    Attributes:
        failed: The dataset that raised last, and at which batch.
        datasets: Those that were gone through.
    """

    failed: tuple[Any, int] | None
    datasets: list[Any]


class TrainingWatch(Protocol):
    """What follows the steps of a training loop."""

    @property
    def draws(self) -> Draws:
        """What was drawn from datasets."""

    def watching(self) -> AbstractContextManager[None]:
        """Follow what the block does."""

    def log(self) -> TrainingLog:
        """What happened."""


class Backend(Protocol):
    """TensorFlow, PyTorch or JAX, as far as Keras does not level out how they differ.

    Attributes:
        package: The package that holds it.
        packages: Those whose functions no other adapter tells of.
        tensors: The types of its tensors.
        variables: The types of what it can write to, besides those of Keras.
        stand_ins: Sizes that stand for those that are not known while Keras works a shape out.
        tracebacks: Modules with an `_EXCLUDED_PATHS` of frames that are left out of tracebacks.
    """

    package: str
    packages: tuple[str, ...]
    tensors: tuple[type, ...]
    variables: tuple[type, ...]
    stand_ins: tuple[int, ...]
    tracebacks: tuple[Any, ...]

    def machine(self) -> str:
        """Its threads and version, in words."""

    def device(self, tensor: Any) -> str:
        """Where a tensor is: "cpu", "gpu:0"."""

    def attributes(self, owner: Any) -> Mapping[str, Any]:
        """What a layer holds by name."""

    def same_random_state(self) -> AbstractContextManager[None]:
        """Give its own random number generator its state back."""

    def held(self, variables: Sequence[Any]) -> Callable[[], None]:
        """Hold the values of variables, and give what gives them back to those that have been written to since."""

    def eager_functions(self) -> AbstractContextManager[None]:
        """Run compiled functions, and with them `fit`, as written."""

    def follow(self, model: Any, called: Callable[..., float]) -> Callable[[], None]:
        """Tell of the batches that a live model is called or trained with, and give what ends that."""

    def training_watch(self) -> TrainingWatch:
        """What follows the steps of a training loop."""

    def measure(self) -> Callable[..., Generator[None, None, Measurement]]:
        """What measures time and memory."""

    def peak_flops(self, device: str) -> float | None:
        """The most floating-point operations a second that a device was seen to do; None where none are counted."""

    def operations(self, listener: Listener) -> AbstractContextManager[Silence]:
        """Tell of every operation that the block runs, but for those of blocks that are to be silent."""
