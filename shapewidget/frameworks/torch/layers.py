"""What the layers of `torch.nn` declare about the tensors that they take."""

from __future__ import annotations

import functools
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
    "output_padding",
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

_SETTING_NAMES = frozenset(_SETTINGS)

_PLAIN = (bool, int, float, str, tuple)


def paths(model: nn.Module) -> dict[nn.Module, str]:
    """The dotted path of every module, the first of those that it has: `named_modules`, quick for deep models."""
    found: dict[nn.Module, str] = {}
    waiting = [("", model)]
    while waiting:
        path, module = waiting.pop()
        if module in found:
            continue
        found[module] = path
        if module._modules:
            prefix = f"{path}." if path else ""
            children = [(prefix + name, it) for name, it in module._modules.items() if it is not None]
            waiting.extend(reversed(children))
    return found


def declared_sizes(module: nn.Module) -> tuple[Declared, ...]:
    """The sizes that a layer was built with, those of its input first."""
    if isinstance(module, _ConvNd):
        spatial = len(module.kernel_size)
        return _declared("in_channels", module.in_channels, -1 - spatial), _declared(
            "out_channels", module.out_channels, None
        )
    if isinstance(module, (nn.LayerNorm, nn.RMSNorm)):
        rank = len(module.normalized_shape)
        return tuple(_declared("normalized_shape", size, at - rank) for at, size in enumerate(module.normalized_shape))
    kind: Any = type(module)
    state, sizes = module.__dict__, _sizes(kind)
    return tuple([_declared(name, state[name], axis) for name, axis in sizes if isinstance(state.get(name), int)])


@functools.lru_cache(maxsize=4096)
def _declared(name: str, size: int, axis: int | None) -> Declared:
    """One record for all layers of a form: a deep model has many of few forms."""
    return Declared(name, size, axis)


@functools.lru_cache(maxsize=1024)
def _sizes(kind: type[Any]) -> tuple[tuple[str, int | None], ...]:
    return next((names for known, names in _SIZES if issubclass(kind, known)), ())


def settings(module: nn.Module) -> dict[str, object]:
    """The settings of a layer that a reader of the graph wants to know, besides its sizes."""
    state = module.__dict__
    names = _SETTINGS if not _SETTING_NAMES.isdisjoint(state) else ()
    return {name: state[name] for name in names if name in state and isinstance(state[name], _PLAIN)}


def is_drawn_whole(module: nn.Module) -> bool:
    """Whether a module is one node: a layer of torch's own that calls no other module through `__call__`.

    A module written by the user is opened even when it has no children, because what goes wrong is in its forward.
    `nn.MultiheadAttention` has a child whose weights it uses behind its back.
    """
    if isinstance(module, (nn.MultiheadAttention, torch.jit.ScriptModule)):
        return True
    kind: Any = type(module)
    return not module._modules and _forward_is_torchs_own(kind)


@functools.lru_cache(maxsize=1024)
def _forward_is_torchs_own(kind: type[Any]) -> bool:
    forward: Any = kind.forward
    return (getattr(forward, "__module__", None) or "").startswith("torch.")


def is_sequence(module: nn.Module) -> bool:
    """Whether a module only calls its layers one after the other."""
    kind: Any = type(module)
    return kind.forward is nn.Sequential.forward


def may_be_fused(module: nn.Module) -> bool:
    """Whether torch may run a whole encoder as fused kernels, which it does only unwatched and without gradients."""
    if not isinstance(module, nn.TransformerEncoder | nn.TransformerEncoderLayer):
        return False
    kind: Any = type(module)
    if module.training or torch.is_grad_enabled() or not _forward_is_torchs_own(kind):
        return False
    return not any(inner._forward_hooks or inner._forward_pre_hooks for inner in module.modules())
