"""What raises, told by what its tensors are: indices, parts, groups, class weights, lengths, images of another size."""

from __future__ import annotations

import pytest
import torch
from small_models import model_of
from torch import nn
from torch.nn import functional as F

import shapewidget


def probed(model, *inputs, **more):
    report = shapewidget.probe(model, inputs, **more)
    return report.findings[0]


def values_of_actions(outputs, given):
    actions, wanted = given
    return F.mse_loss(outputs.gather(1, actions), wanted)


def actions_picked():
    targets = (torch.randint(0, 5, (7,)), torch.randn(7))
    return probed(nn.Linear(4, 5), torch.randn(7, 4), targets=targets, loss=values_of_actions)


def columns_written():
    def forward(m, x):
        table = x.new_zeros(len(x), 9)
        table[:, ::2] = m.body(x)[:, :5]
        table[:, 1::2] = m.body(x)[:, :5]
        return table

    return probed(model_of(forward, body=nn.Linear(4, 6)), torch.randn(7, 4))


def pixels_shuffled():
    model = nn.Sequential(nn.Conv2d(3, 14, 3, padding=1), nn.PixelShuffle(2))
    return probed(model, torch.rand(2, 3, 6, 6))


def gate_of_odd_width():
    return probed(model_of(lambda m, x: F.glu(m.body(x)), body=nn.Linear(4, 9)), torch.randn(7, 4))


def parts_too_large():
    def forward(m, x):
        left, right = torch.split(m.body(x), [5, 5], dim=1)
        return left * right

    return probed(model_of(forward, body=nn.Linear(4, 8)), torch.randn(7, 4))


def state_of_both_directions():
    def forward(m, x, y):
        return m.decoder(y, m.encoder(x)[1])[0]

    encoder, decoder = nn.LSTM(4, 6, bidirectional=True, batch_first=True), nn.LSTM(4, 6, batch_first=True)
    return probed(model_of(forward, encoder=encoder, decoder=decoder), torch.randn(3, 7, 4), torch.randn(3, 5, 4))


def lengths_of_steps():
    def loss(outputs, given):
        words, lengths = given
        steps = torch.full((outputs.size(0),), outputs.size(1))
        return F.ctc_loss(outputs, words, steps, lengths)

    def forward(m, x):
        return m.head(m.rnn(x.transpose(0, 1))[0]).log_softmax(-1)

    model = model_of(forward, rnn=nn.GRU(4, 6), head=nn.Linear(6, 9))
    targets = (torch.randint(1, 9, (3, 4)), torch.full((3,), 4))
    return probed(model, torch.randn(3, 11, 4), targets=targets, loss=loss)


def decoder_of_another_size():
    model = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.ConvTranspose2d(4, 1, 3, 2, 1))
    x = torch.rand(2, 1, 12, 12)
    return probed(model, x, targets=x, loss=nn.MSELoss())


def weights_of_classes():
    loss = nn.CrossEntropyLoss(weight=torch.ones(4))
    return probed(nn.Linear(4, 3), torch.randn(7, 4), targets=torch.randint(0, 3, (7,)), loss=loss)


def channels_viewed():
    def forward(m, x):
        return m.conv(x).view(len(x), 3, 5, 6, 6)

    return probed(model_of(forward, conv=nn.Conv2d(3, 40, 3, padding=1)), torch.rand(2, 3, 6, 6))


def mask_of_samples():
    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x, hidden):
            return self.attend(x, x, x, attn_mask=hidden, need_weights=False)[0]

    return probed(Layer(), torch.randn(3, 5, 8), torch.zeros(3, 5, 5, dtype=torch.bool))


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)


def mask_with_an_axis_of_heads():
    class Layer(Masked):
        def forward(self, x, hidden):
            return self.attend(x, x, x, attn_mask=hidden)[0]

    return probed(Layer(), torch.randn(3, 5, 8), torch.zeros(3, 1, 5, 5, dtype=torch.bool))


def padding_mask_turned():
    class Layer(Masked):
        def forward(self, x):
            hidden = torch.zeros(x.size(1), x.size(0), dtype=torch.bool)
            return self.attend(x, x, x, key_padding_mask=hidden)[0]

    return probed(Layer(), torch.randn(3, 5, 8))


def vectors_repeated():
    def forward(m, x):
        whole = m.inner(x).mean(1)
        return x * whole.expand(x.size(0), x.size(1), 4)

    return probed(model_of(forward, inner=nn.Linear(4, 4)), torch.randn(3, 5, 4))


def ids_scattered():
    def forward(m, x):
        scores = m.head(x)
        return torch.zeros_like(scores).scatter(-1, scores.argmax(-1), 1.0) * scores

    return probed(model_of(forward, head=nn.Linear(4, 6)), torch.randn(3, 5, 4))


def mean_expanded():
    def forward(m, x):
        gain = m.gain(x)
        return m.value(x) + gain - gain.mean(1).expand_as(gain)

    return probed(model_of(forward, gain=nn.Linear(4, 3), value=nn.Linear(4, 1)), torch.randn(7, 4))


def weights_of_fewer_classes():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 9))
    loss = nn.CrossEntropyLoss(weight=torch.ones(4))
    return probed(model, torch.randn(7, 4), targets=torch.arange(7) % 4, loss=loss)


def samples_in_columns():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1))
    return probed(model, torch.randn(4, 7), targets=torch.randn(7, 1), loss=nn.MSELoss())


def state_of_both_directions_step_by_step():
    def forward(m, x):
        state, steps = m.encoder(x)[1], []
        for step in x.unbind(1):
            out, state = m.decoder(step[:, None], state)
            steps.append(out)
        return torch.cat(steps, 1)

    encoder = nn.GRU(4, 5, batch_first=True, bidirectional=True)
    model = model_of(forward, encoder=encoder, decoder=nn.GRU(4, 5, batch_first=True))
    return probed(model, torch.randn(3, 7, 4))


def one_class_more():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    return probed(model, torch.randn(7, 4), targets=torch.arange(7) % 4, loss=nn.CrossEntropyLoss())


CASES = {
    "a mask of each sample": (mask_of_samples, "SW107", "attend", ((6, 5, 5), (3, 5, 5)), "attend.num_heads, dim=0"),
    "a mask with an axis of heads": (
        mask_with_an_axis_of_heads, "SW107", "attend", ((5, 5), (3, 1, 5, 5)), "hidden.squeeze(1).repeat_interleave("),
    "a padding mask turned": (
        padding_mask_turned, "SW107", "attend", ((3, 5), (5, 3)), "key_padding_mask=hidden.transpose(0, 1)"),
    "vectors repeated": (vectors_repeated, "SW201", "expand", (5, 3), "whole.unsqueeze(1).expand(x.size(0)"),
    "ids scattered": (ids_scattered, "SW110", "scatter", (3, 2), "scatter(-1, scores.argmax(-1).unsqueeze(-1), 1.0)"),
    "a mean without its axis": (mean_expanded, "SW201", "expand_as", (3, 7), "gain.mean(1)[:, None].expand_as(gain)"),
    "weights of fewer classes": (weights_of_fewer_classes, "SW306", "CrossEntropyLoss", (9, 4), "nn.Linear(6, 4)"),
    "a class more than scores": (one_class_more, "SW402", "CrossEntropyLoss", ("0 to 2", 3), "nn.Linear(6, 4)"),
    "an index without an axis": (actions_picked, "SW110", "gather", (2, 1), "actions.unsqueeze(1)).squeeze(1)"),
    "more values than columns": (columns_written, "SW201", "index_put", (4, 5), "[:, :4]"),
    "channels that make no pixels": (pixels_shuffled, "SW118", "1", ("a multiple of 4", 14), "16"),
    "a gate of an odd width": (gate_of_odd_width, "SW118", "glu", ("a multiple of 2", 9), "10"),
    "parts of more than there is": (parts_too_large, "SW118", "split", (10, 8), "10"),
    "the state of both directions": (state_of_both_directions, "SW104", "decoder", (1, 2), "each[0::2] + each[1::2]"),
    "the state of both directions, step by step": (
        state_of_both_directions_step_by_step, "SW104", "decoder", (1, 2), "state[:1]"),
    "samples in columns": (samples_in_columns, "SW101", "0", (4, 7), "transpose(0, 1)"),
    "lengths of the steps": (lengths_of_steps, "SW301", "loss", (3, 11), "outputs.size(1)"),
    "a decoder that gives another size": (
        decoder_of_another_size, "SW301", "MSELoss", ((2, 1, 12, 12), (2, 1, 11, 11)), "output_padding=1"),
    "channels of another head": (channels_viewed, "SW204", "view", (15, 40), "15"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refusal_is_told_with_both_sizes_and_a_fix_that_holds(name):
    make, code, layer, sizes, text = CASES[name]
    torch.manual_seed(2)
    found = make()
    assert (found.code, found.layer, found.verified) == (code, layer, True), found
    assert (found.expected, found.got) == sizes
    assert text in found.fix


def test_class_weights_are_counted():
    found = weights_of_classes()
    assert (found.code, found.where, found.expected, found.got) == ("SW306", "loss", 3, 4)


def test_id_that_was_drawn_is_told_with_the_scores_it_was_drawn_from():
    def forward(m, ids):
        drawn = torch.multinomial(m.table(ids)[:, -1].softmax(-1) * torch.tensor([0.0] * 15 + [1.0]), 1)
        return m.table(torch.cat([ids, drawn], 1))

    said = probed(model_of(forward, table=nn.Embedding(9, 16)), torch.randint(0, 9, (2, 4)))
    assert (said.code, said.layer, said.got) == ("SW402", "table", 15)
    assert "holds 9 rows" in said.reason
    assert "`multinomial` draws it from 16 scores" in said.reason


def test_table_that_is_too_short_is_not_mended_by_cutting_the_data():
    def forward(m, ids):
        return m.head((m.words(ids) + m.places[:, : ids.size(1)]).mean(1))

    layers = {"words": nn.Embedding(20, 6), "places": nn.Parameter(torch.zeros(1, 8, 6)), "head": nn.Linear(6, 2)}
    said = probed(model_of(forward, **layers), torch.randint(0, 20, (3, 11)))
    assert (said.code, said.expected, said.got, said.verified) == ("SW201", 11, 8, False)
    assert said.fix == "build the table for 11 positions or more"


def test_label_that_stands_for_no_class_widens_no_layer():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    said = probed(model, torch.randn(3, 4), targets=torch.tensor([0, 255, 1]), loss=nn.CrossEntropyLoss())
    assert (said.code, said.got, said.verified) == ("SW402", 255, False)


BUILT = {
    "groups of channels": (lambda: nn.GroupNorm(6, 20), "SW118", "GroupNorm", "a multiple of 6"),
    "groups of a convolution": (lambda: nn.Conv1d(8, 20, 3, groups=3), "SW118", "Conv1d", "a multiple of 3"),
    "heads": (lambda: nn.MultiheadAttention(20, 3), "SW206", "MultiheadAttention", "a multiple of 3"),
}


@pytest.mark.parametrize("name", BUILT)
def test_layer_that_cannot_be_built_is_told(name):
    build, code, layer, wanted = BUILT[name]
    with shapewidget.capture(reraise=False) as report:
        build()
    (found,) = report.findings
    assert (found.code, found.where, found.layer, found.expected) == (code, "build", layer, wanted)
    assert found.verified


def test_squeeze_of_a_batch_of_one_that_the_loader_gives_is_no_mere_note():
    data = torch.utils.data.TensorDataset(torch.randn(9, 4), torch.randn(9))
    loader = torch.utils.data.DataLoader(data, batch_size=4)
    report = shapewidget.probe(model_of(lambda m, x: m.body(x).squeeze(), body=nn.Linear(4, 1)), loader=loader)
    found = next(it for it in report.findings if it.code == "SW612")
    assert (found.severity.value, found.verified) == ("coincidence", True)


def test_tensors_joined_along_an_axis_that_none_has_are_stacked():
    class Columns(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 2)

        def forward(self, x):
            columns = [x[:, place] for place in range(4)]
            return self.head(torch.cat(columns, dim=1))

    (finding,) = shapewidget.probe(Columns(), torch.randn(6, 5)).findings
    assert (finding.code, finding.layer, finding.expected, finding.got) == ("SW110", "cat", 2, 1)
    assert "torch.stack(columns, dim=1)" in finding.fix
    assert finding.verified
