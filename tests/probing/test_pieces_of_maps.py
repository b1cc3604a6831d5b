"""Maps that are cut, and channels that become pixels: neighbours stay neighbours, or that is told."""

import pytest
import torch
from torch import nn

import shapewidget


def said(model, *inputs):
    found = shapewidget.probe(model, inputs).findings
    return [(each.code, each.layer, each.verified) for each in found if each.severity != "note"]


class Finer(nn.Module):
    """Three times as many rows and columns, made of channels."""

    def __init__(self, way):
        super().__init__()
        self.read, self.smooth = nn.Conv2d(2, 45, 3, padding=1), nn.Conv2d(5, 1, 3, padding=1)
        self.way = way

    def forward(self, picture):
        made = self.read(picture)
        samples, _, high, wide = made.shape
        cut = (samples, 5, 3, 3, high, wide)
        if self.way == "at once":
            finer = made.view(samples, 5, high * 3, wide * 3)
        elif self.way == "in front":
            finer = made.view(*cut).permute(0, 1, 2, 4, 3, 5).reshape(samples, 5, high * 3, wide * 3)
        elif self.way == "all behind":
            finer = made.view(*cut).permute(0, 1, 4, 5, 2, 3).reshape(samples, 5, high * 3, wide * 3)
        elif self.way == "channels last":
            finer = made.view(samples, 3, 3, 5, high, wide).permute(0, 3, 4, 1, 5, 2)
            finer = finer.reshape(samples, 5, high * 3, wide * 3)
        else:
            finer = made.view(*cut).permute(0, 1, 4, 2, 5, 3).reshape(samples, 5, high * 3, wide * 3)
        return self.smooth(finer)


@pytest.mark.parametrize(("way", "made_by"), [("at once", "view"), ("in front", "reshape"), ("all behind", "reshape")])
def test_channels_that_are_no_finer_steps_of_the_places_are_found_and_mended(way, made_by):
    assert said(Finer(way), torch.randn(2, 2, 9, 12)) == [("SW654", made_by, True)]


def test_channels_that_are_cut_across_the_rows_become_pixels_too():
    assert said(Finer("at once"), torch.randn(2, 2, 8, 10)) == [("SW601", "view", True)]


@pytest.mark.parametrize("way", ["behind each", "channels last"])
def test_channels_behind_the_places_that_they_divide_are_right(way):
    assert said(Finer(way), torch.randn(2, 2, 8, 10)) == []


class Tokens(nn.Module):
    """Tokens as a map again, a vector as the start of a picture, and bands read side by side."""

    def __init__(self, way):
        super().__init__()
        self.read = nn.Linear(6, 48)
        self.smooth = nn.Conv1d(1, 4, 5) if way == "in a row" else nn.Conv2d(48 if way == "tokens" else 3, 4, 3)
        self.way = way

    def forward(self, x):
        if self.way == "tokens":
            return self.smooth(self.read(x).transpose(1, 2).reshape(len(x), 48, 4, 5))
        if self.way == "in a row":
            return self.smooth(self.read(x).flatten(1)[:, None])
        return self.smooth(self.read(x[:, 0]).view(-1, 3, 4, 4))


@pytest.mark.parametrize("way", ["tokens", "in a row", "vector"])
def test_maps_made_of_features_or_tokens_are_right(way):
    assert said(Tokens(way), torch.randn(2, 20, 6)) == []


class Windows(nn.Module):
    """Reads a map window by window, and puts it back together."""

    def __init__(self, way, side=2):
        super().__init__()
        self.first, self.mix = nn.Conv2d(3, 8, 1), nn.Linear(8, 8)
        self.last, self.way, self.side = nn.Conv2d(8, 2, 3), way, side

    def forward(self, picture):
        x = self.first(picture).permute(0, 2, 3, 1)
        samples, high, wide, width = x.shape
        n = self.side
        windows = x.view(samples, high // n, n, wide // n, n, width).permute(0, 1, 3, 2, 4, 5).reshape(-1, n * n, width)
        mixed = torch.tanh(self.mix(windows) - windows.mean(1, keepdim=True))
        if self.way == "as it comes":
            whole = mixed.view(samples, high, wide, width)
        elif self.way == "pooled":
            return mixed.view(samples, (high // n) * (wide // n), n * n, width).mean((1, 2))
        else:
            whole = mixed.view(samples, high // n, wide // n, n, n, width).permute(0, 1, 3, 2, 4, 5)
            whole = whole.reshape(samples, high, wide, width)
        return self.last(whole.permute(0, 3, 1, 2))


@pytest.mark.parametrize(("high", "wide"), [(8, 6), (8, 8), (4, 10)])
def test_windows_put_back_in_another_order_are_found_and_mended(high, wide):
    picture = torch.randn(3, 3, high, wide)
    assert said(Windows("as it comes"), picture) == [("SW621", "view", True)]
    assert said(Windows("as cut"), picture) == []
    assert said(Windows("pooled"), picture) == []
