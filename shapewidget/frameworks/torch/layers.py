"""What the layers of `torch.nn` declare about the tensors that they take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from shapewidget.graph.records import Declared

_SIZES: tuple[tuple[type[nn.Module], tuple[tuple[str, int | None], ...]], ...] = (
    (nn.Linear, (("in_features", -1), ("out_features", None))),
    (nn.Bilinear, (("in1_features", -1), ("in2_features", None), ("out_features", None))),
    (nn.RNNBase, (("input_size", -1), ("hidden_size", None), ("num_layers", None))),
    (nn.RNNCellBase, (("input_size", -1), ("hidden_size", None))),
    (nn.Embedding, (("num_embeddings", None), ("embedding_dim", None))),
    (nn.EmbeddingBag, (("num_embeddings", None), ("embedding_dim", None))),
    (nn.MultiheadAttention, (("embed_dim", -1), ("num_heads", None))),
    (_NormBase, (("num_features", 1),)),
    (nn.GroupNorm, (("num_channels", 1), ("num_groups", None))),
)

_SETTINGS = (
    "batch_first",
    "bidirectional",
    "dropout",
    "p",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
    "start_dim",
    "end_dim",
    "dim",
    "output_size",
    "reduction",
    "ignore_index",
    "track_running_stats",
    "proj_size",
)


def declared_sizes(module: nn.Module) -> tuple[Declared, ...]:
    """The sizes that a layer was built with, those of its input first."""
    return tuple(_declared(module))


def _declared(module: nn.Module) -> Iterator[Declared]:
    if isinstance(module, _ConvNd):
        spatial = len(module.kernel_size)
        yield Declared("in_channels", module.in_channels, -1 - spatial)
        yield Declared("out_channels", module.out_channels)
    elif isinstance(module, nn.LayerNorm | nn.RMSNorm):
        rank = len(module.normalized_shape)
        for place, size in enumerate(module.normalized_shape):
            yield Declared("normalized_shape", size, place - rank)
    for kind, names in _SIZES:
        if isinstance(module, kind):
            for name, axis in names:
                declared = getattr(module, name, None)
                if isinstance(declared, int):
                    yield Declared(name, declared, axis)
            return


def settings(module: nn.Module) -> dict[str, object]:
    """The settings of a layer that a reader of the graph wants to know, besides its sizes."""
    state = module.__dict__
    return {name: state[name] for name in _SETTINGS if isinstance(state.get(name), bool | int | float | str | tuple)}


def is_drawn_whole(module: nn.Module) -> bool:
    """Whether a module is one node: a layer of torch's own that calls no other module through `__call__`.

    A module written by the user is opened even when it has no children, because what goes wrong is in its forward.
    `nn.MultiheadAttention` has a child whose weights it uses behind its back.
    """
    if isinstance(module, nn.MultiheadAttention | torch.jit.ScriptModule):
        return True
    return not module._modules and _forward_is_torchs_own(module)


def _forward_is_torchs_own(module: nn.Module) -> bool:
    forward: Any = type(module).forward
    return getattr(forward, "__module__", "").startswith("torch.")
