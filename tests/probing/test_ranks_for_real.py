"""What `check_loader(loader, ranks=2)` says is what two processes under torchrun read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import shapewidget

PROGRAM = Path(__file__).parents[1] / "ranks_program.py"
LOADERS = {
    "in order": (103, False, False),
    "shuffled": (103, True, False),
    "shuffled, short batches left out": (103, True, True),
    "fewer samples than a batch": (5, False, False),
    "divides evenly": (64, False, False),
}


@pytest.fixture(scope="module")
def read():
    """The rows of every batch of every rank, by the name of the loader."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [*command, PROGRAM, json.dumps(LOADERS)], capture_output=True, text=True, env=environment, timeout=240
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("name", LOADERS)
def test_ranks_read_what_was_foretold(name, read):
    samples, shuffle, drop_last = LOADERS[name]
    data = TensorDataset(torch.arange(samples))
    report = shapewidget.check_loader(DataLoader(data, batch_size=8, shuffle=shuffle, drop_last=drop_last), ranks=2)
    for share, batches in zip(report.batches.ranks.shares, read[name], strict=True):
        rows = [row for batch in batches for row in batch]
        assert list(share.sizes) == [len(batch) for batch in batches]
        assert list(share.rows)[: len(rows)] == rows
