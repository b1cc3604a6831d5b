"""A collate function for samples that cannot be stacked: it pads what has a length, and keeps the rest in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import default_collate

from shapewidget.frameworks.nesting import disagreement


def collated(samples: Sequence[Any]) -> tuple[str, Any]:
    """The collate function as one line of code, and the batch that it makes.

    Args:
        samples: Those of one batch, which `default_collate` refuses.
    """
    first = samples[0]
    if isinstance(first, Mapping):
        columns = {key: _column([sample[key] for sample in samples], f"s[{key!r}]", is_last=False) for key in first}
        code = ", ".join(f"{key!r}: {text}" for key, (text, _) in columns.items())
        return f"collate_fn=lambda samples: {{{code}}}", {key: value for key, (_, value) in columns.items()}
    if type(first) in (tuple, list):
        last = len(first) - 1
        made = [
            _column([sample[place] for sample in samples], f"s[{place}]", is_last=place == last > 0)
            for place in range(len(first))
        ]
        code = ", ".join(text for text, _ in made) + ("" if last else ",")
        return f"collate_fn=lambda samples: ({code})", tuple(value for _, value in made)
    text, value = _column(list(samples), "s", is_last=False)
    return f"collate_fn=lambda samples: {text}", value


def _column(values: list[Any], item: str, *, is_last: bool) -> tuple[str, Any]:
    """One field of all samples; the last one of a tuple, the targets, is not padded."""
    every = f"[{item} for s in samples]"
    if disagreement(values, range(len(values))) is None:
        return f"default_collate({every})", default_collate(values)
    if not is_last and all(_has_length(value) for value in values):
        if isinstance(values[0], torch.Tensor):
            return f"pad_sequence({every}, batch_first=True)", pad_sequence(values, batch_first=True)
        tensors = [torch.as_tensor(value) for value in values]
        return f"pad_sequence([torch.as_tensor({item}) for s in samples], batch_first=True)", pad_sequence(
            tensors, True
        )
    if not is_last and all(_is_picture(value) for value in values):
        channels = max(int(value.shape[0]) for value in values)
        alike = [value.expand(channels, -1, -1) for value in values]
        if disagreement(alike, range(len(alike))) is None:
            return f"torch.stack([{item}.expand({channels}, -1, -1) for s in samples])", torch.stack(alike)
    return every, values


def _is_picture(value: Any) -> bool:
    """Whether it is a picture of one channel, or of three or four."""
    return isinstance(value, torch.Tensor) and value.ndim == 3 and value.shape[0] in (1, 3, 4)


def _has_length(value: Any) -> bool:
    """Whether it is a sequence of numbers, or of feature vectors."""
    if isinstance(value, list):
        return all(isinstance(item, int | float) for item in value)
    return len(getattr(value, "shape", ())) in (1, 2)
