"""Every loss of torch on what it takes, and on batches, class axes, dtypes, ranges and forms that it does not take."""

import pytest
import torch
from torch import nn

import shapewidget
from shapewidget.diagnosis.findings import Severity

ROWS = torch.linspace(-2, 2, 96).reshape(12, 8).sin()
YES = torch.arange(12.0)[:, None] % 2
IDS = torch.arange(12) % 5
HOT = nn.functional.one_hot(IDS, 5)
SHARES = HOT * 0.9 + 0.02
SIGNS = YES * 2 - 1
NUMBERS = ROWS[:, :1] * 3


def net(width, *last):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, width), *last)


def found(model, targets, loss, inputs=ROWS):
    report = shapewidget.probe(model, inputs, targets=targets, loss=loss)
    return [(each.code, each.verified) for each in report.findings if each.severity is not Severity.NOTE]


def log(width):
    return net(width, nn.LogSoftmax(1))


RIGHT = [
    (nn.CrossEntropyLoss(), net(5), IDS),
    (nn.CrossEntropyLoss(), net(5), SHARES),
    (nn.CrossEntropyLoss(), log(5), IDS),
    (nn.CrossEntropyLoss(ignore_index=-100), net(5), torch.where(IDS == 0, -100, IDS)),
    (nn.NLLLoss(), log(5), IDS),
    (nn.KLDivLoss(reduction="batchmean"), log(5), SHARES),
    (nn.KLDivLoss(reduction="batchmean", log_target=True), log(5), SHARES.log()),
    (nn.BCELoss(), net(1, nn.Sigmoid()), YES),
    (nn.BCEWithLogitsLoss(), net(1), YES * 0.9 + 0.05),
    (nn.BCEWithLogitsLoss(pos_weight=torch.ones(5)), net(5), HOT.float()),
    (nn.MSELoss(), net(1), NUMBERS),
    (nn.PoissonNLLLoss(), net(1), YES),
    (nn.HingeEmbeddingLoss(), net(1), SIGNS),
    (nn.SoftMarginLoss(), net(1), SIGNS),
    (nn.MultiMarginLoss(), net(5), IDS),
    (nn.MultiLabelMarginLoss(), net(5), torch.tensor([[0, 3, -1, -1, -1]] * 12)),
    (nn.MultiLabelSoftMarginLoss(), net(5), HOT.float()),
]


@pytest.mark.parametrize(("loss", "model", "targets"), RIGHT, ids=lambda it: type(it).__name__)
def test_loss_that_is_given_what_it_takes_raises_no_alarm(loss, model, targets):
    assert found(model, targets, loss) == []


FIT = [
    (nn.CrossEntropyLoss(), net(5), IDS[:, None], "SW301"),
    (nn.CrossEntropyLoss(), net(5), HOT, "SW301"),
    (nn.CrossEntropyLoss(), net(5), IDS.float(), "SW401"),
    (nn.CrossEntropyLoss(), net(5, nn.Softmax(1)), IDS, "SW310"),
    (nn.NLLLoss(), net(5), IDS, "SW310"),
    (nn.NLLLoss(), net(5, nn.Softmax(1)), IDS, "SW310"),
    (nn.KLDivLoss(reduction="batchmean"), net(5), SHARES, "SW310"),
    (nn.BCELoss(), net(1), YES, "SW405"),
    (nn.BCELoss(), net(1, nn.Sigmoid()), YES[:, 0], "SW301"),
    (nn.BCELoss(), net(1, nn.Sigmoid()), YES.long(), "SW401"),
    (nn.BCEWithLogitsLoss(), net(1, nn.Sigmoid()), YES, "SW310"),
    (nn.BCEWithLogitsLoss(), net(5), IDS, "SW301"),
    (nn.MSELoss(), net(1), NUMBERS[:, 0], "SW302"),
    (nn.L1Loss(), net(1), NUMBERS[:, 0], "SW302"),
    (nn.SmoothL1Loss(), net(1, nn.Flatten(0)), NUMBERS, "SW302"),
    (nn.HuberLoss(), net(1), NUMBERS[:, 0], "SW302"),
    (nn.PoissonNLLLoss(), net(1), YES[:, 0], "SW302"),
    (nn.HingeEmbeddingLoss(), net(1), SIGNS[:, 0], "SW302"),
    (nn.HingeEmbeddingLoss(), net(1), YES, "SW310"),
    (nn.SoftMarginLoss(), net(1), YES, "SW310"),
    (nn.SoftMarginLoss(), net(1), SIGNS[:, 0], "SW301"),
    (nn.MultiLabelSoftMarginLoss(), net(5), IDS, "SW301"),
]


@pytest.mark.parametrize(("loss", "model", "targets", "code"), FIT, ids=lambda it: type(it).__name__)
def test_targets_or_outputs_that_can_be_made_to_fit_are_told_with_a_fix_that_was_run(loss, model, targets, code):
    assert found(model, targets, loss)[:1] == [(code, True)]


WRONG = [
    (nn.CrossEntropyLoss(), net(5), IDS[:10], "SW301"),
    (nn.CrossEntropyLoss(), net(5), IDS + 1, "SW402"),
    (nn.CrossEntropyLoss(), net(5), IDS - 1, "SW402"),
    (nn.CrossEntropyLoss(), net(5), IDS.int(), "SW401"),
    (nn.CrossEntropyLoss(), net(1), IDS * 0, "SW304"),
    (nn.CrossEntropyLoss(weight=torch.ones(4)), net(5), IDS, "SW306"),
    (nn.NLLLoss(), log(5), HOT.float(), "SW301"),
    (nn.NLLLoss(), log(5), IDS + 1, "SW402"),
    (nn.KLDivLoss(reduction="batchmean"), log(5), SHARES.log(), "SW310"),
    (nn.KLDivLoss(reduction="batchmean"), log(5), SHARES[:10], "SW301"),
    (nn.BCELoss(), net(1, nn.Sigmoid()), YES * 2, "SW405"),
    (nn.BCEWithLogitsLoss(), net(1), YES * 2, "SW310"),
    (nn.BCEWithLogitsLoss(pos_weight=torch.ones(4)), net(5), HOT.float(), "SW306"),
    (nn.MSELoss(), net(3), NUMBERS, "SW311"),
    (nn.MSELoss(), net(3), NUMBERS[:10].expand(10, 3), "SW301"),
    (nn.MultiMarginLoss(), net(5), IDS + 1, "SW402"),
    (nn.MultiMarginLoss(), net(5), IDS[:, None], "SW301"),
    (nn.MultiMarginLoss(), net(5), IDS.float(), "SW401"),
    (nn.MultiLabelMarginLoss(), net(5), HOT, "SW310"),
    (nn.MultiLabelMarginLoss(), net(5), HOT[:, :3], "SW301"),
    (nn.MultiLabelSoftMarginLoss(), net(5), YES, "SW311"),
]


@pytest.mark.parametrize(("loss", "model", "targets", "code"), WRONG, ids=lambda it: type(it).__name__)
def test_targets_that_a_loss_cannot_mean_are_told(loss, model, targets, code):
    assert [each for each, _ in found(model, targets, loss)][:1] == [code]


class Towers(nn.Module):
    def __init__(self, count, width=4):
        super().__init__()
        self.count, self.tower = count, nn.Linear(8, width)

    def forward(self, *rows):
        return tuple(self.tower(each) for each in rows)


def pairs(criterion):
    return lambda outputs, targets: criterion(*outputs, targets)


@pytest.mark.parametrize(
    ("criterion", "width", "targets", "codes"),
    [
        (nn.CosineEmbeddingLoss(), 4, SIGNS[:, 0], []),
        (nn.CosineEmbeddingLoss(), 4, SIGNS, ["SW301"]),
        (nn.CosineEmbeddingLoss(), 4, SIGNS[:10, 0], ["SW301"]),
        (nn.CosineEmbeddingLoss(), 4, YES[:, 0], ["SW310"]),
        (nn.MarginRankingLoss(0.1), 1, SIGNS, []),
        (nn.MarginRankingLoss(0.1), 1, YES, ["SW310"]),
    ],
)
def test_targets_of_pairs(criterion, width, targets, codes):
    told = found(Towers(2, width), targets, pairs(criterion), (ROWS, ROWS.flip(0)))
    assert [code for code, _ in told] == codes


@pytest.mark.parametrize("criterion", [nn.TripletMarginLoss(), nn.TripletMarginWithDistanceLoss()])
@pytest.mark.parametrize(("rows", "codes"), [(12, []), (10, ["SW301"])])
def test_triplets_of_other_numbers_of_rows(criterion, rows, codes):
    with shapewidget.capture(reraise=False) as report:
        criterion(*Towers(3)(ROWS, ROWS.flip(0), ROWS[:rows]))
    told = [each for each in report.findings if each.severity is not Severity.NOTE]
    assert {each.code for each in told} >= set(codes)
    assert bool(told) == bool(codes)


def test_lengths_of_ctc_that_the_loss_brings_along_belong_to_the_batch():
    lengths = torch.full((12,), 20), torch.full((12,), 6)
    model = nn.Sequential(nn.Linear(8, 5), nn.LogSoftmax(-1))

    def loss(outputs, targets):
        return nn.functional.ctc_loss(outputs.transpose(0, 1), targets, *lengths)

    sequences = torch.randn(12, 20, 8, generator=torch.Generator().manual_seed(0))
    assert found(model, 1 + torch.arange(72).reshape(12, 6) % 4, loss, sequences) == []
    scores = found(model[0], 1 + torch.arange(72).reshape(12, 6) % 4, loss, sequences)
    assert [code for code, _ in scores] == ["SW310"]


def test_outputs_targets_and_loss_are_nodes_also_of_a_watched_loop():
    model, loss = net(5), nn.CrossEntropyLoss()
    with shapewidget.capture() as report:
        loss(model(ROWS), IDS).backward()
    (node,) = [layer for layer in report.graph.layers if layer.kind == "loss"]
    assert [spec.shape for spec in (*node.inputs, *node.outputs)] == [(12, 5), (12,), ()]
    assert [edge.source for edge in report.graph.into(node.id)] == [report.graph.layers[-3].id, "targets"]


class Horizon(nn.Module):
    """As many steps ahead as samples, by chance."""

    def __init__(self, steps=6, *, is_column=False):
        super().__init__()
        self.read, self.ahead = nn.GRU(3, 8, batch_first=True), nn.Linear(8, steps)
        self.is_column = is_column

    def forward(self, x):
        ahead = self.ahead(self.read(x)[0][:, -1])
        return ahead.unsqueeze(-1) if self.is_column else ahead


@pytest.mark.parametrize("is_column", [True, False])
def test_column_that_meets_rows_is_found_where_steps_and_samples_are_as_many(is_column):
    targets = torch.randn(6, 6) if is_column else torch.randn(6, 6, 1)
    report = shapewidget.probe(Horizon(is_column=is_column), torch.randn(6, 9, 3), targets=targets, loss=nn.MSELoss())
    assert [(it.code, it.verified) for it in report.findings] == [("SW302", True)]
    right = shapewidget.probe(
        Horizon(is_column=not is_column), torch.randn(6, 9, 3), targets=targets, loss=nn.MSELoss()
    )
    assert right.ok
