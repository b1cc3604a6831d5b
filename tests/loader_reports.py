"""A data set of 103 rows, and what the report on a loader says besides its notes."""

import torch
from torch.utils.data import TensorDataset

ROWS, LABELS = torch.randn(103, 4), torch.randn(103, 1)
DATA = TensorDataset(ROWS, LABELS)


def codes(report):
    """The findings that are no mere notes."""
    return [finding.code for finding in report.findings if finding.severity != "note"]


def only(report):
    """The one finding that is no mere note."""
    (found,) = [finding for finding in report.findings if finding.severity != "note"]
    return found
