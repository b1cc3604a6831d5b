"""A batch made from the model itself: the model takes it, it is told where it came from, and the model is as it was."""

from types import SimpleNamespace

import pytest
import torch
from fingerprint import fingerprint
from small_models import model_of
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from shapewidget import zoo
from shapewidget.errors import ProbeInputError
from shapewidget.frameworks.torch.derive import derive_inputs
from shapewidget.frameworks.torch.resize import batch_sizes
from shapewidget.frameworks.torch.tensors import leaves


def packed(self, ids, lengths):
    return self.lstm(pack_padded_sequence(self.embedding(ids), lengths, batch_first=True))[1][0]


def seq2seq(self, src, trg):
    _, state = self.encoder(self.source(src))
    return self.decoder(self.target(trg), state)[0]


def char_cnn(self, words):
    letters = self.conv(self.embedding(words).flatten(0, 1).transpose(1, 2)).amax(-1)
    return letters.view(*words.shape[:2], -1)


def steps(self, x, steps: int):
    for _ in range(steps):
        x = self.linear(x)
    return x


def patches(self, image):
    return self.encoder(self.patch(image).flatten(2).transpose(1, 2) + self.position)


flat = nn.Flatten
SOUND = {
    "tagger": (zoo.BiLSTMTagger(50, 6, 5, 3), [(8, 16)]),
    "mlp": (nn.Sequential(nn.Linear(20, 30), nn.BatchNorm1d(30), nn.Linear(30, 2)), [(8, 20)]),
    "digits as rows": (nn.Sequential(flat(), nn.Linear(784, 2)), [(8, 784)]),
    "digits": (nn.Sequential(nn.Conv2d(1, 7, 3), flat(), nn.Linear(7 * 26 * 26, 2)), [(8, 1, 28, 28)]),
    "small images": (nn.Sequential(nn.Conv2d(3, 7, 3), flat(), nn.Linear(7 * 30 * 30, 2)), [(8, 3, 32, 32)]),
    "images of 64": (nn.Sequential(nn.Conv2d(3, 2, 3), flat(), nn.Linear(2 * 62 * 62, 2)), [(8, 3, 64, 64)]),
    "patches of 224": (
        model_of(
            patches,
            patch=nn.Conv2d(3, 12, 16, 16),
            position=nn.Parameter(torch.zeros(1, 196, 12)),
            encoder=nn.Identity(),
        ),
        [(8, 3, 224, 224)],
    ),
    "channels last": (model_of(lambda self, x: self.c(x.permute(0, 3, 1, 2)), c=nn.Conv2d(3, 7, 3)), [(8, 32, 32, 3)]),
    "volumes": (nn.Conv3d(2, 4, 3), [(8, 2, 16, 16, 16)]),
    "signals": (nn.Conv1d(6, 7, 3), [(8, 6, 64)]),
    "signals without channels": (model_of(lambda self, x: self.c(x.unsqueeze(1)), c=nn.Conv1d(1, 7, 3)), [(8, 64)]),
    "steps to convolve": (model_of(lambda self, x: self.c(x.transpose(1, 2)), c=nn.Conv1d(6, 7, 3)), [(8, 64, 6)]),
    "time first": (nn.LSTM(10, 5), [(16, 8, 10)]),
    "batch first": (nn.GRU(10, 5, batch_first=True), [(8, 16, 10)]),
    "numbers in time": (model_of(lambda self, x: self.r(x.unsqueeze(-1)), r=nn.GRU(1, 5, batch_first=True)), [(8, 16)]),
    "attention": (nn.MultiheadAttention(10, 2), [(16, 8, 10)] * 3),
    "encoder": (nn.TransformerEncoderLayer(10, 2, 12, batch_first=True), [(8, 16, 10)]),
    "encoder and decoder": (nn.Transformer(10, 2, 1, 1, 12, batch_first=True), [(8, 16, 10), (8, 7, 10)]),
    "lengths": (model_of(packed, embedding=nn.Embedding(50, 9, padding_idx=0), lstm=nn.LSTM(9, 6)), [(8, 16), (8,)]),
    "state": (model_of(lambda self, x, hidden: self.r(x, hidden), r=nn.GRU(9, 6, 2)), [(16, 8, 9), (2, 8, 6)]),
    "pair of states": (
        model_of(lambda self, x, state: self.r(x, state), r=nn.LSTM(9, 6, bidirectional=True, batch_first=True)),
        [(8, 16, 9), (2, 8, 6), (2, 8, 6)],
    ),
    "states apart": (
        model_of(lambda self, x, h0, c0: self.r(x, (h0, c0)), r=nn.LSTM(9, 6, proj_size=4, batch_first=True)),
        [(8, 16, 9), (1, 8, 4), (1, 8, 6)],
    ),
    "cell": (model_of(lambda self, x, state: self.c(x, state), c=nn.LSTMCell(9, 6)), [(8, 9), (8, 6), (8, 6)]),
    "two sequences": (
        model_of(
            seq2seq,
            source=nn.Embedding(40, 9),
            target=nn.Embedding(30, 9),
            encoder=nn.GRU(9, 6, batch_first=True),
            decoder=nn.GRU(9, 6, batch_first=True),
        ),
        [(8, 16), (8, 7)],
    ),
    "ids one a sample": (
        model_of(
            lambda self, user, item: self.head(torch.cat([self.users(user), self.items(item)], -1)),
            users=nn.Embedding(20, 4),
            items=nn.Embedding(30, 5),
            head=nn.Linear(9, 1),
        ),
        [(8,), (8,)],
    ),
    "rows and ids": (
        model_of(
            lambda self, image, text: self.image_head(image) + self.text_head(text).mean(1),
            text_head=nn.Embedding(30, 5),
            image_head=nn.Linear(20, 5),
        ),
        [(8, 20), (8, 16)],
    ),
    "features beside an embedding": (
        model_of(
            lambda self, ids, features: self.lstm(torch.cat([self.embedding(ids), features], -1))[0],
            embedding=nn.Embedding(20, 7),
            lstm=nn.LSTM(12, 4, batch_first=True),
        ),
        [(8, 14), (8, 14, 5)],
    ),
    "mask": (
        model_of(lambda self, ids, mask: self.e(ids) * mask.unsqueeze(-1), e=nn.Embedding(20, 4)),
        [(8, 16), (8, 16)],
    ),
    "steps of diffusion": (
        model_of(
            lambda self, x, t: self.c(x) + self.e(t)[:, :, None, None], c=nn.Conv2d(3, 7, 1), e=nn.Embedding(100, 7)
        ),
        [(8, 3, 32, 32), (8,)],
    ),
    "graph": (model_of(lambda self, x, adj: adj @ self.l(x), l=nn.Linear(9, 4)), [(8, 9), (8, 8)]),
    "number": (model_of(steps, linear=nn.Linear(9, 9)), [(8, 9)]),
    "letters": (model_of(char_cnn, embedding=nn.Embedding(20, 7), conv=nn.Conv1d(7, 5, 3)), [(8, 16, 6)]),
    "head defined first": (
        model_of(lambda self, ids: self.head(self.e(ids)), head=nn.Linear(7, 2), e=nn.Embedding(20, 7)),
        [(8, 16)],
    ),
    "length fixed by a table": (
        model_of(lambda self, ids: self.e(ids) + self.p, e=nn.Embedding(20, 4), p=nn.Parameter(torch.zeros(1, 50, 4))),
        [(8, 50)],
    ),
    "length fixed by a flattening": (
        model_of(
            lambda self, x: self.l(self.r(x)[0].flatten(1)),
            r=nn.GRU(5, 6, bidirectional=True, batch_first=True),
            l=nn.Linear(360, 2),
        ),
        [(8, 30, 5)],
    ),
    "length limited by a table": (
        model_of(
            lambda self, ids: self.e(ids) + self.p(torch.arange(ids.size(1))),
            e=nn.Embedding(20, 4),
            p=nn.Embedding(10, 4),
        ),
        [(8, 7)],
    ),
    "generator": (
        model_of(
            lambda self, z: self.d(self.l(z).view(-1, 7, 4, 4)), l=nn.Linear(33, 112), d=nn.ConvTranspose2d(7, 3, 4)
        ),
        [(8, 33)],
    ),
    "weight of its own": (model_of(lambda self, x: x @ self.w, w=nn.Parameter(torch.zeros(11, 3))), [(8, 11)]),
    "no weights": (model_of(lambda self, x: x.sum(1)), [(8, 12)]),
    "no inputs": (model_of(lambda self: self.w, w=nn.Parameter(torch.zeros(3))), []),
    "optional input": (model_of(lambda self, x, mask=None: self.l(x), l=nn.Linear(9, 4)), [(8, 9)]),
    "keyword-only input": (model_of(lambda self, *, x: self.l(x), l=nn.Linear(9, 4)), [(8, 9)]),
    "any number of inputs": (model_of(lambda self, *xs: self.l(xs[0]), l=nn.Linear(9, 4)), [(8, 9)]),
    "lazy": (nn.Sequential(nn.LazyLinear(7), nn.Linear(7, 2)), [(8, 12)]),
    "double": (nn.Linear(9, 2).double(), [(8, 9)]),
    "wrapped": (nn.DataParallel(nn.Linear(9, 2)), [(8, 9)]),
}


@pytest.mark.parametrize(("model", "shapes"), SOUND.values(), ids=SOUND)
def test_derived_batch_runs(model, shapes):
    batch = derive_inputs(model)
    tensors = list(leaves((batch.args, dict(batch.kwargs))))
    assert [tuple(tensor.shape) for tensor in tensors] == shapes
    assert [len(names) for names in batch.axes] == [len(shape) for shape in shapes]
    assert batch.origin
    model(*batch.args, **batch.kwargs)


def test_axes_of_a_derived_batch_are_known():
    assert derive_inputs(nn.LSTM(10, 5)).axes == (("T", "B", ""),)
    assert batch_sizes(derive_inputs(nn.Conv2d(3, 7, 3))) == {"B": 8, "H": 32, "W": 32}


def test_sizes_agree_with_no_weight_by_luck():
    batch = derive_inputs(zoo.BiLSTMTagger(vocab=50, emb=8, hidden=16, tags=6))
    assert batch_sizes(batch) == {"B": 7, "T": 14}


def test_origin_says_what_was_made_and_from_what():
    assert derive_inputs(zoo.BiLSTMTagger()).origin == (
        "No inputs were given: made a batch of 8 sequences of 16 token ids below 5000, "
        "from `embedding: nn.Embedding(5000, 128)`, which `forward(self, ids)` feeds."
    )
    assert derive_inputs(SOUND["lengths"][0]).origin == (
        "No inputs were given: made `ids`, 8 sequences of 16 token ids below 50 "
        "(from `embedding: nn.Embedding(50, 9)`); `lengths`, a length for each sequence (from the name `lengths`)."
    )


def test_ids_are_below_the_vocabulary_and_no_padding():
    ids, lengths = derive_inputs(SOUND["lengths"][0]).args
    assert 1 <= ids.min() <= ids.max() < 50
    assert lengths.tolist() == sorted(lengths.tolist(), reverse=True)
    assert lengths[0] == ids.shape[1]


BROKEN = {
    "head for one direction": (zoo.BrokenBiLSTMTagger(50, 6, 5, 3), (8, 16)),
    "second LSTM for one direction": (zoo.BrokenELMoLike(50, 6, 5, 3), (8, 16)),
    "flattening": (nn.Sequential(nn.Conv2d(3, 7, 3), flat(), nn.Linear(999, 2)), (8, 3, 32, 32)),
    "second linear": (nn.Sequential(nn.Linear(20, 30), nn.Linear(31, 2)), (8, 20)),
    "after attention": (
        nn.Sequential(nn.TransformerEncoderLayer(10, 2, 12, batch_first=True), nn.Linear(9, 2)),
        (8, 16, 10),
    ),
    "state for a fixed batch": (
        model_of(lambda self, x: self.r(x, torch.zeros(1, 32, 6))[0], r=nn.GRU(9, 6, batch_first=True)),
        (8, 16, 9),
    ),
    "forgotten transposition": (
        model_of(lambda self, ids: self.c(self.e(ids)), e=nn.Embedding(20, 9), c=nn.Conv1d(9, 5, 3)),
        (8, 16),
    ),
    "batch read as one sample": (
        model_of(lambda self, x: self.r(x)[0][:, -1, :3].view(8, 4), r=nn.GRU(9, 6, batch_first=True)),
        (8, 16, 9),
    ),
    "after the first layer": (model_of(lambda self, ids: self.e(ids).no_such_method(), e=nn.Embedding(20, 4)), (8, 16)),
}


@pytest.mark.parametrize(("model", "shape"), BROKEN.values(), ids=BROKEN)
def test_model_that_breaks_further_on_gets_a_batch_all_the_same(model, shape):
    batch = derive_inputs(model)
    assert tuple(batch.args[0].shape) == shape
    with pytest.raises((RuntimeError, AttributeError)):
        model(*batch.args)


def counting(self, ids):
    self.calls += 1
    self.seen.append(ids.shape)
    print("called")
    return self.head(self.norm(self.embedding(ids).transpose(1, 2)).transpose(1, 2))


def a_model_with_state(width):
    layers = {"embedding": nn.Embedding(20, 6), "norm": nn.BatchNorm1d(6), "head": nn.Linear(width, 2)}
    model = model_of(counting, calls=0, seen=[], **layers)
    model.norm.eval()
    model.embedding.weight.grad = torch.ones(20, 6)
    return model


@pytest.mark.parametrize("width", [6, 7], ids=["sound", "broken"])
def test_model_is_left_as_it_was_and_prints_nothing(width, capsys):
    model = a_model_with_state(width)
    before = fingerprint(model)
    derive_inputs(model)
    assert fingerprint(model) == before
    assert capsys.readouterr().out == ""
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_lazy_model_stays_lazy():
    model = nn.LazyLinear(3)
    derive_inputs(model)
    assert nn.parameter.is_lazy(model.weight)


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (lambda self, graph: self.l(graph.nodes), r"for `graph` of `forward\(self, graph\)`.*no attribute 'nodes'"),
        (lambda self, x, table: self.l(x) + table["a"], r"for `x`, `table` of"),
    ],
)
def test_argument_that_cannot_be_guessed_is_told(forward, said):
    with pytest.raises(ProbeInputError, match=said) as error:
        derive_inputs(model_of(forward, l=model_of(lambda self, x: x["key"])))
    assert "Give a batch of yours, as in attach(model, " in str(error.value)


# -- models that describe their inputs themselves


class Pretrained(nn.Module):
    """As the models of Hugging Face are: every argument is optional, a config says what they take."""

    def __init__(self, main="input_ids", dummy=None, **config):
        super().__init__()
        self.config, self.main_input_name, self.dummy_inputs = SimpleNamespace(**config), main, dummy
        self.embedding = nn.Embedding(30, 4)

    def forward(self, input_ids=None, pixel_values=None, decoder_input_ids=None, features=None):
        if features is not None:
            return features
        if getattr(self.config, "is_encoder_decoder", False) and decoder_input_ids is None:
            raise ValueError("decoder_input_ids are needed")
        return pixel_values if input_ids is None else self.embedding(input_ids)


@pytest.mark.parametrize(
    ("model", "shapes", "axes", "source"),
    [
        (Pretrained(vocab_size=30, pad_token_id=0), {"input_ids": (8, 16)}, (("B", "T"),), "config"),
        (
            Pretrained(vocab_size=30, is_encoder_decoder=True),
            {"input_ids": (8, 16), "decoder_input_ids": (8, 7)},
            (("B", "T"), ("B", "T2")),
            "config",
        ),
        (
            Pretrained("pixel_values", image_size=20, num_channels=1),
            {"pixel_values": (8, 1, 20, 20)},
            (("B", "", "H", "W"),),
            "config",
        ),
        (
            Pretrained("features", dummy={"features": torch.zeros(3, 9, 5)}),
            {"features": (3, 9, 5)},
            (("B", "T", ""),),
            "dummy_inputs",
        ),
    ],
)
def test_pretrained_model_is_asked_for_its_inputs(model, shapes, axes, source):
    batch = derive_inputs(model)
    assert {name: tuple(tensor.shape) for name, tensor in batch.kwargs.items()} == shapes
    assert batch.axes == axes
    assert f"from the model's `{source}`" in batch.origin
