"""The wrong and the right program of every finding, as they stand in docs/programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "docs" / "programs"
_SECTION = re.compile(r"^## (SW\d{3})\n(.*?)\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHOICE = re.compile(r"<<(.*?)\|\|(.*?)>>", re.DOTALL)
_IMPORTS = """\
import queue

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import (
    DataLoader, Dataset, DistributedSampler, IterableDataset, Subset, SubsetRandomSampler, TensorDataset,
    WeightedRandomSampler
)

import shapewidget


def training(batches=12):
    data = TensorDataset(torch.randn(8 * batches, 5), torch.randint(0, 3, (8 * batches,)))
    model = nn.Linear(5, 3)
    return model, torch.optim.SGD(model.parameters(), lr=0.1), DataLoader(data, batch_size=8)


"""
_KERAS = """\
import keras
import numpy as np
import tensorflow as tf
from keras import layers

import shapewidget

"""


@dataclass(frozen=True)
class Pair:
    """The two programs of one finding.

    Attributes:
        code: The finding's code.
        meaning: What it means, in one or two sentences.
        program: The program; where the two differ it says ``<<wrong||right>>``.
        family: Name of the file that it stands in.
    """

    code: str
    meaning: str
    program: str
    family: str

    def written(self, *, wrong: bool) -> str:
        """One of the two, without its imports; a line that is empty in one of them is left out."""
        text = _CHOICE.sub(lambda found: found[1 if wrong else 2] or "\0", self.program)
        lines = (line for line in text.splitlines(keepends=True) if line.strip() != "\0")
        return "".join(lines).replace("\0", "")

    def source(self, *, wrong: bool) -> str:
        """One of the two as a file that can be run; it leaves its report in `report`."""
        return (_KERAS if self.family == "keras" else _IMPORTS) + self.written(wrong=wrong)


def pairs() -> Iterator[Pair]:
    """Every pair, file by file."""
    for path in sorted(FOLDER.glob("*.md")):
        for code, meaning, program in _SECTION.findall(path.read_text(encoding="utf-8")):
            yield Pair(code, " ".join(meaning.split()), program, path.stem)
