"""Which adapter a model belongs to. A framework that the user has not imported is not imported for them."""

from __future__ import annotations

import sys
from typing import Any

from shapewidget.errors import UnsupportedModelError
from shapewidget.frameworks.adapter import Adapter
from shapewidget.frameworks.loading import Reading
from shapewidget.frameworks.rank_streams import ranks_of_streams
from shapewidget.graph.batches import Ranks


def loaded_adapters() -> list[Adapter]:
    """An adapter for every framework that the user has imported. A model of Keras on PyTorch is one of Keras first."""
    adapters: list[Adapter] = []
    if _keras_is_imported():
        from shapewidget.frameworks.keras.adapter import KerasAdapter

        adapters.append(KerasAdapter())
    if "torch" in sys.modules:
        from shapewidget.frameworks.torch.adapter import TorchAdapter

        adapters.append(TorchAdapter())
    return adapters


def _keras_is_imported() -> bool:
    """Whether the user has imported Keras 3, with a backend that it is recorded on."""
    keras = sys.modules.get("keras")
    config = getattr(keras, "config", None)
    return config is not None and config.backend() in ("tensorflow", "torch", "jax")


def adapter_for(model: Any) -> Adapter:
    """The adapter of the framework that made the model.

    Raises:
        UnsupportedModelError: It is no model of a framework that is loaded.
    """
    adapter = next((adapter for adapter in loaded_adapters() if adapter.accepts(model)), None)
    if adapter is not None:
        return adapter
    if isinstance(model, type):
        raise UnsupportedModelError(
            f"{model.__name__} is a class, not a model. Expected an instance: pass {model.__name__}(...)."
        )
    raise UnsupportedModelError(
        f"Expected a model, a torch.nn.Module or a keras.Model, and got {type(model).__name__}. Pass the model itself, "
        f"as in `%shapewidget model` or `shapewidget.attach(model)`."
    )


def reading_of(loader: Any) -> Reading:
    """How to go through a loader.

    Raises:
        InputError: It cannot be gone through, or only once.
    """
    if "tensorflow" in sys.modules and isinstance(loader, sys.modules["tensorflow"].data.Dataset):
        from shapewidget.frameworks.keras.loading import DatasetReading

        return DatasetReading(loader)
    if "torch" in sys.modules:
        from shapewidget.frameworks.torch.loading import reading

        return reading(loader)
    return Reading(loader)


def ranks_of(loaders: Any) -> Ranks | None:
    """What each rank reads, of a list with one loader for each; None for anything else, such as a list of batches."""
    if not isinstance(loaders, list | tuple) or not loaders:
        return None
    if "tensorflow" in sys.modules and all(isinstance(it, sys.modules["tensorflow"].data.Dataset) for it in loaders):
        return ranks_of_streams(list(map(reading_of, loaders)), f".shard({len(loaders)}, rank)")
    if "torch" not in sys.modules:
        return None
    from shapewidget.frameworks.torch.loading import ranks_of_loaders

    return ranks_of_loaders(loaders)
