"""Which adapter a model belongs to. A framework that the user has not imported is not imported for them."""

from __future__ import annotations

import sys
from typing import Any

from shapewidget.errors import UnsupportedModelError
from shapewidget.frameworks.adapter import Adapter


def adapter_for(model: Any) -> Adapter:
    """The adapter of the framework that made the model.

    Raises:
        UnsupportedModelError: It is no model of a framework that is loaded.
    """
    if "torch" in sys.modules:
        from shapewidget.frameworks.torch.adapter import TorchAdapter

        adapter = TorchAdapter()
        if adapter.accepts(model):
            return adapter
    if isinstance(model, type):
        raise UnsupportedModelError(
            f"{model.__name__} is a class, not a model. Expected an instance: pass {model.__name__}(...)."
        )
    raise UnsupportedModelError(
        f"Expected a model, a torch.nn.Module, and got {type(model).__name__}. Pass the model itself, as in "
        f"`%shapewidget model` or `shapewidget.attach(model)`."
    )
