"""Live beside torch's compiler: run compiled modules as written, and leave nothing of ours with it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch

_NAME = "torch._dynamo"


@contextlib.contextmanager
def eager() -> Iterator[None]:
    """Run compiled modules as written; dynamo is never imported for this, which would take seconds."""
    if _NAME not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def give_back(ours: Callable[..., Any], original: Callable[..., Any]) -> None:
    """Put a function back where a part of torch, imported while ours stood in its place, has taken ours for it.

    The first step of an optimiser imports dynamo, which compares calls of modules with what it took.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("torch.") and module is not None:
            for attribute, value in list(vars(module).items()):
                if value is ours:
                    setattr(module, attribute, original)
