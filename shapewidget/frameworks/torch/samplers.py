"""How many samples a sampler can draw from, where that is another number than its loader's data set has."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Sized
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader, Subset, SubsetRandomSampler, WeightedRandomSampler

from shapewidget.frameworks.nesting import classes_of, numeric, split
from shapewidget.frameworks.torch.sharding import rows_of

_MOST_SAMPLES = 2_000


def sampler_of(loader: DataLoader[Any]) -> Any:
    """The sampler that draws single samples: that inside of a batch sampler, where it has one."""
    return getattr(loader.batch_sampler, "sampler", loader.sampler)


def drawn_from(sampler: Any, dataset: Any) -> int | None:
    """The number of samples that one of torch's samplers knows of; None where it takes a part on purpose.

    A part of more samples than there are is one of another data set.
    """
    if not type(sampler).__module__.startswith("torch."):
        return None
    if isinstance(sampler, SubsetRandomSampler):
        with contextlib.suppress(Exception):  # a data set may raise whatever it likes where it has no length
            known = max(map(int, sampler.indices), default=-1) + 1
            return known if known > len(dataset) else None
        return None
    weights = getattr(sampler, "weights", None)
    if isinstance(sampler, WeightedRandomSampler) and isinstance(weights, Sized):
        return len(weights)
    for name in ("data_source", "dataset"):
        with contextlib.suppress(Exception):  # a data set may raise whatever it likes where it has no length
            return len(getattr(sampler, name))
    return None


def part_drawn(loader: DataLoader[Any]) -> int | None:
    """How many samples from the first on a sampler of the user's draws, where the others hold classes of their own.

    None where it draws all of them, or a part that may be meant: one that has all classes, or is no beginning.
    """
    sampler, dataset = sampler_of(loader), loader.dataset
    if type(sampler).__module__.split(".")[0] == "torch" or not 1 < len(dataset) <= _MOST_SAMPLES:  # type: ignore[arg-type]
        return None
    total = len(dataset)  # type: ignore[arg-type]
    drawn = {index for _ in range(2) for index in islice(iter(sampler), 4 * total)}
    count = len(drawn)
    if not 1 < count < total or drawn != set(range(count)):
        return None
    classes = classes_of([split(dataset[place])[1] for place in range(total)])
    return count if classes is not None and set(classes[count:]) - set(classes[:count]) else None


def is_whole_when_remade(loader: DataLoader[Any]) -> bool:
    """Whether a sampler of the user's draws all of the data once it is made of that."""
    sampler, dataset = sampler_of(loader), loader.dataset
    total = len(dataset)  # type: ignore[arg-type]
    if type(sampler).__module__.split(".")[0] == "torch" or total > _MOST_SAMPLES:
        return False
    given, *others = inspect.signature(type(sampler)).parameters
    settings = {name: value for name in others if (value := getattr(sampler, name, None)) is not None}
    held = vars(dataset).values() if hasattr(dataset, "__dict__") else ()
    for source in (dataset, *(each for each in held if isinstance(each, Sized) and len(each) == total)):
        with contextlib.suppress(Exception):  # the user's constructor, given what it was not written for
            made = type(sampler)(**{given: source}, **settings)
            if {index for _ in range(2) for index in islice(iter(made), 4 * total)} == set(range(total)):
                return True
    return False


def _draws_samples_once_cut(sampler: WeightedRandomSampler, dataset: Any) -> bool:
    """Whether there is a weight for each sample of the whole data, and those of the part are drawn with."""
    rows, whole = rows_of(dataset)
    if len(sampler.weights) != whole:
        return False
    weights = torch.as_tensor(sampler.weights, dtype=torch.double)[rows].tolist()
    generator = torch.Generator().manual_seed(0)
    drawn = [*WeightedRandomSampler(weights, sampler.num_samples, sampler.replacement, generator)]
    return bool(drawn) and all(dataset[place] is not None for place in set(drawn))


def is_whole_when_weighed(loader: DataLoader[Any]) -> bool:
    """Whether one weight for each sample, that of its class, lets a sampler draw more than it knows of now.

    Of weights of the whole data, whether those of the part that the loader has let it draw samples alone. Of indices of
    the whole data, whether they are those of the part that the loader has, so that all of it is meant.
    """
    sampler, dataset = sampler_of(loader), loader.dataset
    if isinstance(sampler, SubsetRandomSampler):
        rows, _ = rows_of(dataset)
        return isinstance(dataset, Subset) and set(map(int, sampler.indices)) <= set(rows)
    if not isinstance(sampler, WeightedRandomSampler) or len(dataset) > _MOST_SAMPLES:  # type: ignore[arg-type]
        return False
    if len(sampler.weights) > len(dataset):  # type: ignore[arg-type]
        return _draws_samples_once_cut(sampler, dataset)
    targets = [split(dataset[place])[1] for place in range(len(dataset))]  # type: ignore[arg-type]
    labels = [int(numeric(target)) for target in targets]
    weights = torch.as_tensor(sampler.weights, dtype=torch.double)
    if min(labels) < 0 or max(labels) >= len(weights):
        return False
    generator = torch.Generator().manual_seed(0)
    drawn = WeightedRandomSampler(weights[labels].tolist(), sampler.num_samples, sampler.replacement, generator)
    return len(set(drawn)) > len(weights)
