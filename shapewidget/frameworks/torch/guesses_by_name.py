"""What the name of an argument says that it wants: lengths, a mask, a hidden state, positions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import torch
from torch import nn

from shapewidget.frameworks.torch.guesses import Guess, Maker, Sizes

_STATE = re.compile(r"(prev_?|init_?|last_?)?(h|hx|c|cx|hc|hidden|cell|state|memory)(_?states?|s|_?0|_?init)?")
_ONE_TENSOR = re.compile(r"(prev_?|init_?|last_?)?(?P<letter>[hc])(x|ell)?(_?0|_?init)?")
_LITERALS = {int: 3, float: 1.0, bool: False, "int": 3, "float": 1.0, "bool": False}


def guesses_by_name(model: nn.Module, argument: inspect.Parameter, make: Maker, sizes: Sizes) -> Iterator[Guess]:
    """Guesses for an argument with a usual name, or with a plain number for its annotation."""
    name, place = argument.name.lower(), f"the name `{argument.name}`"
    batch, length = sizes.batch, sizes.length
    if argument.annotation in _LITERALS:
        value = _LITERALS[argument.annotation]
        yield Guess(lambda: value, (), f"the number {value}", "its annotation")
    elif "len" in name:
        lengths = torch.linspace(length, max(1, length // 2), batch).round().long()
        yield Guess(lambda: lengths, (("B",),), "a length for each sequence", place)
    elif "mask" in name:
        yield from _masks(make, sizes, place, is_padding="pad" in name)
    elif re.search("pos(ition)?_?id", name):
        yield make.fixed(torch.arange(length).repeat(batch, 1), "B T", "the positions of the tokens", place)
    elif re.search("segment|token_?type", name):
        yield make.fixed(torch.zeros(batch, length, dtype=torch.long), "B T", "zeros", place)
    elif re.fullmatch("t|time_?steps?|steps?|times?", name):
        yield make.ids(10, (batch,), "B", f"{batch} time steps below 10", place)
        yield make.floats((batch,), "B", f"{batch} points in time", place)
    elif name.startswith("adj"):
        yield make.fixed(torch.ones(batch, batch), "B B", f"a {batch}×{batch} adjacency matrix", place)
    elif _STATE.fullmatch(name):
        yield from _states(model, name, make, sizes.batch)


def _masks(make: Maker, sizes: Sizes, place: str, is_padding: bool) -> Iterator[Guess]:
    shown = torch.full((sizes.batch, sizes.length), not is_padding)
    what = "a mask that hides nothing"
    yield make.fixed(shown, "B T", what, place)
    yield make.fixed(shown.float(), "B T", what, place)
    yield make.fixed(shown[:, None, None, :], "B _ _ T", what, place)
    yield make.fixed(torch.zeros(sizes.length, sizes.length), "T T", what, place)


def _states(model: nn.Module, name: str, make: Maker, batch: int) -> Iterator[Guess]:
    """Initial states of the first recurrent layer: an LSTM's come as a pair unless the name says otherwise."""
    outside: tuple[int, ...]
    hidden: tuple[int, ...]
    for path, module in model.named_modules():
        if isinstance(module, nn.RNNBase):
            outside, axes = (module.num_layers * (1 + module.bidirectional), batch), "_ B _"
            hidden = (*outside, module.proj_size or module.hidden_size)
        elif isinstance(module, nn.RNNCellBase):
            outside, axes = (batch,), "B _"
            hidden = (*outside, module.hidden_size)
        else:
            continue
        what, place = "a state for each sample", f"`{path}: nn.{type(module).__name__}`"
        cell, one = (*outside, module.hidden_size), _ONE_TENSOR.fullmatch(name)
        if not isinstance(module, nn.LSTM | nn.LSTMCell):
            yield make.floats(hidden, axes, what, place)
        elif one is None:
            yield make.pair(hidden, cell, axes, what, place)
            yield make.floats(hidden, axes, what, place)
        else:
            yield make.floats(cell if one["letter"] == "c" else hidden, axes, what, place)
            yield make.pair(hidden, cell, axes, what, place)
        return
