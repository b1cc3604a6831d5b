"""All of a model and of the process around it that a probe could change."""

from __future__ import annotations

import hashlib
import random

import numpy
import torch
from torch import nn


def fingerprint(model: nn.Module) -> dict[str, object]:
    """Two fingerprints are equal only if nothing of the model, its gradients or the generators changed."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {
        "values": {name: _digest(tensor) for name, tensor in tensors},
        "identity": {name: (id(tensor), tensor._version, tensor.requires_grad) for name, tensor in tensors},
        "gradients": {
            name: (id(p.grad), p.grad._version, _digest(p.grad))
            for name, p in model.named_parameters()
            if p.grad is not None
        },
        "training": [module.training for module in model.modules()],
        "hooks": [(len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks)) for m in model.modules()],
        "attributes": [{name: id(value) for name, value in vars(module).items()} for module in model.modules()],
        "contents": [
            {name: repr(value) for name, value in vars(module).items() if type(value) in (list, set) or name == "cache"}
            for module in model.modules()
        ],
        "generators": (_digest(torch.get_rng_state()), random.getstate(), repr(numpy.random.get_state())),
        "process": (
            id(nn.Module.__call__),
            torch._C._len_torch_function_stack(),
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            str(torch.get_default_device()),
        ),
    }


def _digest(tensor: torch.Tensor) -> str:
    return hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()
