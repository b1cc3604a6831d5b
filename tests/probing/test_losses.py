"""Every loss of torch on what it takes, and on batches, class axes, dtypes, ranges and forms that it does not take."""

import functools

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


class Tagger(nn.Module):
    def __init__(self, *, with_softmax=False):
        super().__init__()
        self.read, self.tag = nn.GRU(5, 8, batch_first=True), nn.Linear(8, 6)
        self.with_softmax = with_softmax

    def forward(self, x):
        scores = self.tag(self.read(x)[0])
        return scores.log_softmax(-1) if self.with_softmax else scores[:, -1]


class Spelling:
    """A loss that is an object of a class of the user's own."""

    def __init__(self, *, is_turned=False):
        self.criterion, self.is_turned = nn.CTCLoss(), is_turned

    def __call__(self, scores, targets):
        return self.of_steps(scores.transpose(0, 1) if self.is_turned else scores, *targets)

    def of_steps(self, scores, letters, steps, lengths):
        return self.criterion(scores, letters, steps, lengths)


@pytest.mark.parametrize("kind", ["object", "method", "partial"])
def test_loss_that_is_no_plain_function_is_mended_too(kind):
    ways = {"object": Spelling(), "method": Spelling().__call__, "partial": functools.partial(Spelling())}
    targets = torch.randint(1, 6, (3, 4)), torch.full((3,), 12), torch.full((3,), 4)
    given = Tagger(with_softmax=True), torch.randn(3, 12, 5)
    found = shapewidget.probe(*given, targets=targets, loss=ways[kind]).findings[0]
    assert (found.code, found.verified) == ("SW301", True)
    assert "+        return self.criterion(scores.transpose(0, 1), letters, steps, lengths)" in found.patch
    assert shapewidget.probe(*given, targets=targets, loss=Spelling(is_turned=True)).ok


def by_occurring(scores, labels):
    _, counts = torch.unique(labels, return_counts=True)
    return nn.functional.cross_entropy(scores, labels, weight=len(labels) / counts)


def by_largest(scores, labels):
    return nn.functional.cross_entropy(scores, labels, weight=1 / (1 + torch.bincount(labels)))


@pytest.mark.parametrize(
    ("loss", "fix"),
    [
        (by_occurring, "(torch.arange(6), torch.bincount(labels, minlength=6))"),
        (by_largest, "torch.bincount(labels, minlength=6)"),
    ],
)
def test_weights_of_the_classes_that_occur_are_counted_over_all(loss, fix):
    labels = torch.tensor([0, 2, 2, 3, 0, 2, 3, 3])
    found = shapewidget.probe(Tagger(), torch.randn(8, 7, 5), targets=labels, loss=loss).findings[0]
    assert (found.code, found.expected, found.got, found.verified) == (
        "SW306",
        6,
        3 if loss is by_occurring else 4,
        True,
    )
    assert fix in found.fix


class Pull(nn.Module):
    """Moves what was seen towards its mean, or sets it against the share of its largest, of every pixel."""

    def __init__(self, *, is_kept):
        super().__init__()
        self.read, self.is_kept = nn.Conv2d(3, 4, 3, padding=1), is_kept

    def pulled(self, seen, weight):
        above = (seen * seen).sum(1, keepdim=self.is_kept)
        below = seen.abs().sum(1, keepdim=self.is_kept)
        return (weight * 0.5 + above) / (below + 1)

    def forward(self, picture):
        seen = self.read(picture)
        return torch.cat((self.pulled(seen, seen[:, :1]), seen), 1)


def test_axes_that_several_reductions_drop_are_kept_by_all_of_them():
    picture = torch.randn(5, 3, 8, 9)
    found = shapewidget.probe(Pull(is_kept=False), picture).findings
    assert [(it.code, it.verified) for it in found] == [("SW302", True)]
    assert found[0].fix.count("keepdim=True") == 2
    assert shapewidget.probe(Pull(is_kept=True), picture).ok


class Levels(nn.Module):
    def __init__(self, *, is_of_each):
        super().__init__()
        self.levels, self.read = nn.Parameter(torch.rand(9)), nn.Conv2d(2, 2, 3)
        self.is_of_each = is_of_each

    def forward(self, picture, step):
        level = self.levels[step]
        return self.read(picture * (level.view(-1, 1, 1, 1) if self.is_of_each else level))


def test_number_of_each_sample_that_meets_the_columns_is_told_with_its_shape():
    inputs = torch.randn(8, 2, 6, 8), torch.randint(0, 9, (8,))
    found = shapewidget.probe(Levels(is_of_each=False), inputs).findings
    assert [(it.code, it.expected, it.got, it.verified) for it in found] == [("SW611", (8, 1, 1, 1), (8,), True)]
    assert shapewidget.probe(Levels(is_of_each=True), inputs).ok


class Embedder(nn.Module):
    """Three views of a sample, each as a vector."""

    def __init__(self):
        super().__init__()
        self.read = nn.Sequential(nn.Linear(7, 20), nn.ReLU(), nn.Linear(20, 9))

    def forward(self, one, other, another):
        return self.read(one), self.read(other), self.read(another)


def margin_along(axis):
    def loss(outputs, _):
        anchor, near, far = outputs
        gain = (anchor - near).square().sum(axis) - (anchor - far).square().sum(axis)
        return torch.clamp(gain + 1, min=0).mean()

    return loss


def likeness_along(axis):
    def loss(outputs, _):
        one, other = (nn.functional.normalize(each, dim=axis) for each in outputs[:2])
        return nn.functional.cross_entropy(one @ other.t() / 0.1, torch.arange(len(one)))

    return loss


def correlation(outputs, _):
    one, other = (nn.functional.normalize(each, dim=0) for each in outputs[:2])
    return (one.t() @ other - torch.eye(9)).square().sum()


def spread(outputs, _):
    centred = outputs[0] - outputs[0].mean(0)
    return nn.functional.relu(1 - centred.square().sum(0) / len(centred)).mean()


def views():
    return torch.randn(8, 7), torch.randn(8, 7), torch.randn(8, 7)


@pytest.mark.parametrize(
    ("loss", "code"), [(margin_along(0), "SW624"), (likeness_along(0), "SW603")], ids=["margin", "likeness"]
)
def test_distances_and_lengths_over_the_samples_are_found_in_losses(loss, code):
    found = shapewidget.probe(Embedder(), views(), targets=torch.zeros(8), loss=loss).findings[0]
    assert (found.code, found.axis, found.verified) == (code, 0, True)


@pytest.mark.parametrize("loss", [margin_along(1), likeness_along(-1), correlation, spread])
def test_what_is_worked_out_along_the_features_or_over_the_batch_on_purpose_is_right(loss):
    assert shapewidget.probe(Embedder(), views(), targets=torch.zeros(8), loss=loss).ok


class Halved(nn.Module):
    """Reads sounds with a stride of two, and gives log-probabilities with the steps in front."""

    def __init__(self):
        super().__init__()
        self.encoder, self.letters = nn.Conv1d(5, 8, 3, stride=2, padding=1), nn.Linear(8, 6)

    def forward(self, sounds):
        return self.letters(self.encoder(sounds.transpose(1, 2)).permute(2, 0, 1)).log_softmax(-1)


def test_lengths_of_sounds_that_a_stride_halves_are_halved_too():
    frames, letters = torch.tensor([21, 18, 20]), torch.tensor([4, 3, 5])

    def loss(outputs, targets):
        return nn.functional.ctc_loss(outputs, targets, frames, letters)

    targets = torch.randint(1, 6, (3, 5))
    found = shapewidget.probe(Halved(), torch.randn(3, 21, 5), targets=targets, loss=loss).findings[0]
    assert (found.code, found.expected, found.got, found.verified) == ("SW301", 11, 21, True)
    assert "ctc_loss(outputs, targets, (frames + 1) // 2, letters)" in found.fix
