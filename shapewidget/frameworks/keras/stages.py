"""The stages of a `tf.data.Dataset`, which is a chain: each knows the one that it reads."""

from __future__ import annotations

import re
from typing import Any


def stage_name(dataset: Any) -> str:
    """The method that makes a stage: "padded_batch" for a `_PaddedBatchDataset`."""
    name = type(dataset).__name__.strip("_").removeprefix("Parallel").removesuffix("Dataset").removesuffix("V2")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def stages(dataset: Any) -> list[Any]:
    """The chain of a dataset from its end to its source; it ends where several streams are joined."""
    chain = [dataset]
    while len(inputs := chain[-1]._inputs()) == 1:
        chain.append(inputs[0])
    return chain
