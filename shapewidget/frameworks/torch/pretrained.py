"""A probe batch for models that describe their own inputs, as those of Hugging Face do."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.axes import AxisNamer
from shapewidget.frameworks.torch.signature import unwrapped
from shapewidget.frameworks.torch.trial import tried

BATCH, LENGTH, DECODER_LENGTH = 8, 16, 7


def pretrained_batch(model: nn.Module) -> Batch | None:
    """Inputs by the model's config, else its own `dummy_inputs`; None of a model with neither, or that refuses both."""
    own = unwrapped(model)
    config, main = getattr(own, "config", None), getattr(own, "main_input_name", None)
    if config is None or not isinstance(main, str):
        return None
    for kwargs, source in (
        (_by_config(own, config, main), "config"),
        (getattr(own, "dummy_inputs", None), "dummy_inputs"),
    ):
        if isinstance(kwargs, dict) and kwargs and tried(own, (), kwargs).error is None:
            namer = AxisNamer(own)
            axes = tuple(namer.input(tensor) for tensor in kwargs.values())
            said = ", ".join(f"`{name}` of shape {tuple(tensor.shape)}" for name, tensor in kwargs.items())
            return Batch(
                (), kwargs, axes=axes, origin=f"No inputs were given: made {said}, from the model's `{source}`."
            )
    return None


def _by_config(model: nn.Module, config: Any, main: str) -> dict[str, torch.Tensor] | None:
    weight = next((each for each in model.parameters() if each.is_floating_point()), torch.zeros(()))
    random = torch.Generator().manual_seed(0)
    if main == "input_ids" and isinstance(vocabulary := getattr(config, "vocab_size", None), int):
        padding = getattr(config, "pad_token_id", None)
        lowest = 1 if padding == 0 and vocabulary > 1 else 0
        names = {"input_ids": LENGTH}
        if getattr(config, "is_encoder_decoder", False):
            names["decoder_input_ids"] = DECODER_LENGTH
        return {
            name: torch.randint(lowest, vocabulary, (BATCH, length), generator=random).to(weight.device)
            for name, length in names.items()
        }
    if main == "pixel_values" and isinstance(side := getattr(config, "image_size", None), int):
        shape = (BATCH, getattr(config, "num_channels", 3), side, side)
        return {"pixel_values": torch.randn(shape, generator=random).to(weight)}
    return None
