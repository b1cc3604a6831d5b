"""A copy of a model with all that a training step needs, so that the user's own is not trained by being measured."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from shapewidget.errors import ShapeWidgetError
from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch import capacity, memory
from shapewidget.frameworks.torch.layer_costs import LayerWatch
from shapewidget.frameworks.torch.step_parts import StepClock
from shapewidget.frameworks.torch.tensors import leaves, mapped

Loss = Callable[[Any, Any], torch.Tensor]
MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Step = Callable[[nn.Module, Any, Any, torch.optim.Optimizer], object]


class NotMeasurableError(ShapeWidgetError):
    """The model cannot be copied, or no training step can be made of it."""


class TrainingRun:
    """A model and a batch of our own.

    Args:
        model: Copied. The copy trains in training mode; where the model is in it already, layers that were put in
            evaluation mode stay there.
        batch: Copied.
        loss: Copied, as it may have weights, or be a method of the model. Called as ``loss(outputs, targets)``; None
            for the mean of the outputs.
        optimizer: Makes the optimiser from the trainable weights; None for Adam.
        device: Where the model computes.
        step: Makes a training step, called as ``step(model, inputs, targets, optimizer)``; None for a plain one.

    Raises:
        MemoryError: The host has no room for the copy.
        NotMeasurableError: The model cannot be copied, or the step would train the user's own.

    Attributes:
        device: Where the model computes.
        gradient_bytes: Size of the gradients, once a step was made.
    """

    def __init__(
        self,
        model: nn.Module,
        batch: Batch,
        loss: Loss | None,
        optimizer: MakeOptimizer | None,
        device: torch.device,
        step: Step | None = None,
    ) -> None:
        if step is not None:
            _check_own(step, model)
        self.device = device
        self._model, self._loss = _copied(model, loss, device)
        self._args = mapped(batch.args, _own)
        self._kwargs = mapped(dict(batch.kwargs), _own)
        self._targets = mapped(batch.targets, _own)
        self._own_step = step
        self._make_optimizer = optimizer or torch.optim.Adam
        self._optimizer: torch.optim.Optimizer | None = None
        self.gradient_bytes = 0

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the weights and buffers."""
        return memory.nbytes(_weights(self._model))

    @property
    def input_bytes(self) -> int:
        """Bytes of the inputs and targets."""
        return memory.nbytes(leaves((self._args, self._kwargs, self._targets)))

    @property
    def optimizer_bytes(self) -> int:
        """Bytes of what the optimiser keeps; 0 before the first step."""
        return memory.nbytes(leaves(list(self._optimizer.state.values()))) if self._optimizer else 0

    @property
    def recipe(self) -> str:
        """Optimiser and loss of the training step, in words."""
        name = type(self._optimizer).__name__
        if self._own_step is not None:
            return f"optimiser {name}, a step made by {getattr(self._own_step, '__name__', 'the given step')}"
        if self._loss is None:
            return f"optimiser {name}, loss the mean of the floating-point outputs, as none was given"
        return f"optimiser {name}, loss {getattr(self._loss, '__name__', type(self._loss).__name__)}"

    def forward(self) -> Any:
        """A forward pass without gradients, in the mode that the user's model is in."""
        with torch.no_grad():
            return self._model(*self._args, **self._kwargs)

    def watch(self) -> LayerWatch:
        """Something that notes what the layers cost."""
        return LayerWatch(self._model, self.device)

    def start_training(self, watch: LayerWatch) -> int:
        """Make the first training step, so that gradients and the optimiser's state are known.

        Args:
            watch: Told what every layer keeps.

        Returns:
            Bytes of the tensors that it kept for the backward pass.

        Raises:
            NotMeasurableError: There is nothing to train.
            MemoryError: The host would have run out of memory.
        """
        trainable = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        if not trainable:
            raise NotMeasurableError("No training step was made: the model has no trainable weights.")
        if not self._model.training:
            self._model.train()
        saved = memory.SavedTensors(_weights(self._model), watch.keep)
        self._optimizer = self._make_optimizer(trainable)

        def count(*_: object) -> None:
            self.gradient_bytes = memory.nbytes(weight.grad for weight in trainable if weight.grad is not None)

        hook = self._optimizer.register_step_pre_hook(count)
        try:
            with saved, watch.watching():
                self.step()
        finally:
            hook.remove()
        if self._own_step is not None and not (watch.has_seen and self.gradient_bytes):
            raise NotMeasurableError(
                "The step that was given did not train the model that it was handed: it made no forward pass of it, or "
                "no update by the optimiser. Expected step(model, inputs, targets, optimizer), which uses these four."
            )
        self._model.zero_grad(set_to_none=True)  # a step that does this first takes all of its memory itself
        return saved.nbytes

    def clock(self) -> StepClock:
        """Something that tells the parts of training steps apart, once the first was made."""
        assert self._optimizer is not None
        return StepClock(self._model, self._optimizer, self.device)

    def step(self) -> None:
        """A training step: forward pass, loss, backward pass, optimiser step."""
        assert self._optimizer is not None
        if self._own_step is not None:
            self._own_step(self._model, self._inputs(), self._targets, self._optimizer)
            return
        self._loss_of_outputs().backward()
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def _inputs(self) -> Any:
        """As a user gives them: one, a tuple, or a dict."""
        if self._kwargs:
            return self._kwargs
        return self._args[0] if len(self._args) == 1 else self._args

    def _loss_of_outputs(self) -> torch.Tensor:
        outputs = self._model(*self._args, **self._kwargs)
        return self._loss(outputs, self._targets) if self._loss else _mean(outputs)


def in_words(error: BaseException) -> str:
    """Type and first line of an error that is not ours."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300].rstrip('.')}" if lines else type(error).__name__


def _mean(outputs: Any) -> torch.Tensor:
    """A loss of no meaning that reaches every output."""
    floating = [leaf for leaf in leaves(outputs) if leaf.is_floating_point()]
    means = [leaf.mean() for leaf in floating if leaf.requires_grad]
    if not means:
        found = ", ".join(sorted({str(leaf.dtype) for leaf in leaves(outputs)})) or "no tensor"
        raise NotMeasurableError(
            f"No training step was made: no floating-point output of the model depends on a trainable weight "
            f"(outputs: {found}). Give a `loss=` that does, or unfreeze a weight."
        )
    return torch.stack([mean.float() for mean in means]).mean()


def _check_own(step: Step, model: nn.Module) -> None:
    """Make sure that a step does not reach for the user's own model or optimiser, which it would train.

    Raises:
        NotMeasurableError: It does; says by which name.
    """
    function = inspect.unwrap(step)
    if not inspect.isfunction(function):
        return
    outside = inspect.getclosurevars(function)
    weights = {id(weight) for weight in model.parameters()}
    for name, value in {**outside.globals, **outside.nonlocals}.items():
        is_theirs = isinstance(value, torch.optim.Optimizer) and any(
            id(weight) in weights for group in value.param_groups for weight in group["params"]
        )
        if value is model or is_theirs:
            raise NotMeasurableError(
                f"The step that was given uses {name!r} from outside, and would train your own model. Expected "
                "step(model, inputs, targets, optimizer), which uses what it is handed: a copy."
            )


def _weights(model: nn.Module) -> list[torch.Tensor]:
    return [*model.parameters(), *model.buffers()]


def device_of(model: nn.Module, batch: Batch) -> torch.device:
    """Where the model computes: where its first weight is, or its first input."""
    tensors = [*_weights(model), *leaves((batch.args, dict(batch.kwargs)))]
    return tensors[0].device if tensors else torch.device("cpu")


def _copied(model: nn.Module, loss: Loss | None, device: torch.device) -> tuple[nn.Module, Loss | None]:
    if device.type == "cpu":
        capacity.require(memory.nbytes(_weights(model)), f"A copy of the {type(model).__name__}")
    try:
        copied, copied_loss = copy.deepcopy((model, loss))
    except Exception as error:
        if capacity.is_out_of_memory(error):
            raise
        raise NotMeasurableError(
            f"The {type(model).__name__} was not measured, as it cannot be copied: {in_words(error)}. "
            "Give `build=`, which makes a new one."
        ) from error
    for module in copied.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()  # copies are scattered: cuDNN would gather the weights on every call
    return copied, copied_loss


def _own(tensor: torch.Tensor) -> torch.Tensor:
    """A copy that no gradient of ours and no in-place operation of the model leads out of."""
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)
