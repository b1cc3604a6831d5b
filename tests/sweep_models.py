"""Models for sweeps on other workers, which import them from here."""

import os
import signal
from pathlib import Path

import torch
from torch import nn


class Scorer(nn.Module):
    """One product of matrices."""

    def __init__(self, features=6, hidden=8):
        super().__init__()
        self.features = features
        self.layers = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, x):
        return self.layers(x)


class Deadly(Scorer):
    """Kills its process at some sizes of the batch, each once: the file that it leaves says that it was here."""

    def __init__(self, features=6, hidden=8, folder="", deadly=(), times=1):
        super().__init__(features, hidden)
        self.folder, self.deadly, self.times = folder, deadly, times

    def forward(self, x):
        if len(x) in self.deadly:
            for time in range(self.times):
                grave = Path(self.folder, f"{len(x)}-{time}")
                if not grave.exists():
                    grave.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x)


def inputs():
    return torch.randn(4, 6)
