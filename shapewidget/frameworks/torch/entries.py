"""The layers of a model that data could enter by, and what each of them takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

LAZY_WIDTH = 12
"""Number of features that a layer is given whose width is not known before its first call."""


@dataclass(frozen=True)
class Entry:
    """A layer as an entrance.

    Attributes:
        takes: Token ids, rows of features, sequences of features, or channels with space behind them.
        width: Number of ids, features or channels.
        place: Path and constructor: "`embedding: nn.Embedding(5000, 128)`".
        path: Dotted path of the module.
        space: Number of spatial axes behind the channels.
        is_time_first: Whether sequences have their time axis first.
        lowest: The lowest token id that is no padding.
        beside: Widths of the embeddings in the model: other features may be joined to them in front of this layer.
    """

    takes: Literal["ids", "features", "sequence", "channels"]
    width: int
    place: str
    path: str
    space: int = 0
    is_time_first: bool = False
    lowest: int = 0
    beside: tuple[int, ...] = ()


def entries(model: nn.Module) -> list[Entry]:
    """The entrances of a model in the order of definition, each kind and width once."""
    found: dict[object, Entry] = {}
    for path, module in model.named_modules():
        for entry in _entry(path, module):
            found.setdefault((entry.takes, entry.width, entry.space, entry.is_time_first), entry)
    tables = {module.embedding_dim for module in model.modules() if isinstance(module, nn.Embedding)}
    return [replace(entry, beside=tuple(sorted(tables))) for entry in found.values()]


def _entry(path: str, module: nn.Module) -> Iterator[Entry]:
    name = f"nn.{type(module).__name__}"
    at = f"{path}: " if path else ""

    def place(*sizes: int) -> str:
        return f"`{at}{name}({', '.join(map(str, sizes))})`"

    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        lowest = 1 if module.padding_idx == 0 and module.num_embeddings > 1 else 0
        yield Entry(
            "ids", module.num_embeddings, place(module.num_embeddings, module.embedding_dim), path, lowest=lowest
        )
    elif isinstance(module, nn.RNNBase):
        where = place(module.input_size, module.hidden_size)
        yield Entry("sequence", module.input_size, where, path, is_time_first=not module.batch_first)
    elif isinstance(module, nn.MultiheadAttention):
        where = place(module.embed_dim, module.num_heads)
        yield Entry("sequence", module.embed_dim, where, path, is_time_first=not module.batch_first)
    elif isinstance(module, _ConvNd):
        width, space = module.in_channels or LAZY_WIDTH, len(module.kernel_size)
        yield Entry("channels", width, place(width, module.out_channels), path, space=space)
    elif isinstance(module, nn.Linear):
        yield Entry("features", module.in_features or LAZY_WIDTH, place(module.in_features, module.out_features), path)
    elif isinstance(module, nn.RNNCellBase):
        yield Entry("features", module.input_size, place(module.input_size, module.hidden_size), path)
    elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
        space = 2 if isinstance(module, nn.BatchNorm2d) else 3
        yield Entry("channels", module.num_features or LAZY_WIDTH, place(module.num_features), path, space=space)
    elif isinstance(module, _NormBase):
        yield Entry("features", module.num_features or LAZY_WIDTH, place(module.num_features), path)
    elif isinstance(module, nn.LayerNorm):
        yield Entry("features", module.normalized_shape[-1], place(*module.normalized_shape), path)
    elif isinstance(module, nn.Bilinear):
        where = place(module.in1_features, module.in2_features, module.out_features)
        yield Entry("features", module.in1_features, where, path)
        yield Entry("features", module.in2_features, where, path)


def is_sequential(model: nn.Module) -> bool:
    """Whether the model reads sequences: it is recurrent, attends, or convolves over one axis."""
    return any(isinstance(module, nn.RNNBase | nn.MultiheadAttention | nn.Conv1d) for module in model.modules())
