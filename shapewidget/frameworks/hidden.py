"""Which argument of a model's constructor is its hidden size."""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = (
    "hidden_size",
    "hidden_dim",
    "hidden",
    "n_hidden",
    "num_hidden",
    "nhid",
    "hid_dim",
    "hidden_units",
    "units",
    "d_model",
    "n_embd",
    "model_dim",
    "dim",
    "width",
)
"""What a hidden size is called, the surest first."""

_VAGUE_NAMES = ("units", "dim", "width")
"""Names that may as well be an input's, if a recurrent or attention layer has another size."""


def hidden_argument(widths: Mapping[str, int | None], width: int | None) -> str | None:
    """The size argument that is the model's hidden size; None where that is not clear.

    It has the usual name, or sets the width of the first recurrent or attention layer; best both.

    Args:
        widths: The width of that layer with each size argument made larger.
        width: Its width in the model as it is; None where there is no such layer.
    """
    named = [name for name in _NAMES if name in widths]
    structural = [name for name, larger in widths.items() if larger != width]
    both = [name for name in named if name in structural]
    if both or len(structural) == 1:
        return (both or structural)[0]
    clear = named if width is None else [name for name in named if name not in _VAGUE_NAMES]
    return clear[0] if clear else None
