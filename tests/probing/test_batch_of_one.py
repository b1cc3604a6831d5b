import pytest
import torch
from torch import nn

import shapewidget
from shapewidget.diagnosis.findings import Severity
from shapewidget.graph.records import Agreement


class Score(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 1)

    def forward(self, x):
        return self.head(x).squeeze()


@pytest.mark.parametrize(
    ("batch", "severity", "state"),
    [(6, Severity.NOTE, Agreement.AGREE), (1, Severity.COINCIDENCE, Agreement.COINCIDENCE)],
)
def test_squeeze_is_noted_and_of_a_batch_of_one_a_coincidence(batch, severity, state):
    report = shapewidget.probe(Score(), torch.randn(batch, 4))
    (finding,) = report.findings
    assert (finding.code, finding.severity, finding.fix) == ("SW612", severity, "return self.head(x).squeeze(1)")
    assert finding.verified
    assert [edge.state for edge in report.graph.into("squeeze")] == [state]


def test_squeeze_of_a_named_axis_is_right_at_any_batch():
    class Named(Score):
        def forward(self, x):
            return self.head(x).squeeze(-1)

    assert shapewidget.probe(Named(), torch.randn(1, 4)).findings == ()
