"""Whether a change of the code leaves what a model gives for a batch as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from shapewidget.frameworks.adapter import Attempt, Batch
from shapewidget.frameworks.torch.guard import seeded, untouched
from shapewidget.frameworks.torch.likeness import to_run
from shapewidget.frameworks.torch.signature import unwrapped
from shapewidget.frameworks.torch.tensors import flat

Loss = Callable[[Any, Any], Any]


def gives_the_same(model: nn.Module, attempt: Attempt, batch: Batch, loss: Loss | None) -> bool:
    """Whether a model and the copy that was changed give the same, and the same loss, under one seed.

    Raises:
        Exception: Whatever either of them raises.
    """
    changed = attempt.batch(batch) if attempt.batch is not None else batch
    before, after = _results(model, batch, loss), _results(attempt.model, changed, attempt.loss or loss)
    shapes = [[tensor.shape for tensor in results] for results in (before, after)]
    return shapes[0] == shapes[1] and all(map(torch.allclose, before, after))


def _results(model: nn.Module, batch: Batch, loss: Loss | None) -> list[torch.Tensor]:
    model = to_run(unwrapped(model))
    with untouched(model), torch.no_grad(), seeded(0):
        outputs = model(*batch.args, **batch.kwargs)
        value = loss(outputs, batch.targets) if loss is not None else ()
    return [tensor.detach().double() for tensor in (*flat(outputs), *flat(value))]
