"""Models in one line: a forward and the layers that it uses."""

from collections.abc import Callable
from typing import Any

from torch import nn


def model_of(forward: Callable[..., Any], **layers: Any) -> nn.Module:
    """A model with these layers, or weights, and this forward."""
    model = type("Model", (nn.Module,), {"forward": forward})()
    for name, layer in layers.items():
        setattr(model, name, layer)
    return model


def taking(*names: str, **layers: Any) -> nn.Module:
    """A model whose forward has these arguments and gives them back."""
    scope: dict[str, Any] = {}
    exec(f"def forward({', '.join(['self', *names])}): return {', '.join(names)}", scope)
    return model_of(scope["forward"], **layers)
