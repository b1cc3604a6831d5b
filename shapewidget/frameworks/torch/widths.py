"""The sizes that the layers of a model were built for, which tell axes of features from axes that are free."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn
from torch.nn.modules.conv import _ConvNd

from shapewidget.frameworks.torch.layers import declared_sizes

_COLOURS = (1, 3)


def weight_sizes(model: nn.Module) -> set[int]:
    """Every size of every weight; a lazy weight has none yet."""
    return {size for weight in model.parameters() if not nn.parameter.is_lazy(weight) for size in weight.shape}


class Widths:
    """What the layers of a model take.

    Attributes:
        all: Every size of every weight.
        last: Numbers of features that some layer takes on the last axis.
        channels: (number of spatial axes, number of channels) of the convolutions.
        states: (layers times directions, width) of the recurrent layers' states.
        unbatched_rank: Rank of one sample without a batch axis, where the model is a bare layer that takes that.
    """

    def __init__(self, model: nn.Module) -> None:
        declared = [(module, each) for module in model.modules() for each in declared_sizes(module)]
        convolutions = [module for module in model.modules() if isinstance(module, _ConvNd)]
        recurrent = [module for module in model.modules() if isinstance(module, nn.RNNBase)]
        self.all = weight_sizes(model)
        self.last = {each.size for _, each in declared if each.axis == -1}
        self.channels = {(len(conv.kernel_size), conv.in_channels) for conv in convolutions}
        self.states = {
            (rnn.num_layers * (1 + rnn.bidirectional), rnn.proj_size or rnn.hidden_size) for rnn in recurrent
        }
        first = next((module for module, each in declared if each.axis is not None), None)
        self._first_space = len(first.kernel_size) if isinstance(first, _ConvNd) else 0
        self.unbatched_rank = 0
        if isinstance(model, _ConvNd):
            self.unbatched_rank = len(model.kernel_size) + 1
        elif isinstance(model, nn.Linear):
            self.unbatched_rank = 1

    def are_channels_first(self, shape: Sequence[int]) -> bool:
        """Whether axis 1 holds the features, rather than the last, of floats with three axes or more."""
        space = len(shape) - 2
        is_first = (space, shape[1]) in self.channels
        is_flattened = math.prod(shape[1:]) in self.last
        is_last = (shape[-1] in self.last and not is_flattened) or (space, shape[-1]) in self.channels
        if is_first != is_last:
            return is_first
        if any(axes == space for axes, _ in self.channels):
            return space > 1 or self._first_space == space
        return space > 1 and (shape[1] in _COLOURS or (shape[-1] not in _COLOURS and shape[1] != shape[2]))
