"""Models are built again at other sizes from what is read off the live instance, or not at all."""

import dataclasses
import random
import types

import numpy
import pytest
import torch
from fingerprint import fingerprint
from torch import nn

from shapewidget import zoo
from shapewidget.errors import RebuildError
from shapewidget.frameworks.torch.constructor import find_constructor
from shapewidget.frameworks.torch.likeness import shapes


class Tagger(nn.Module):
    def __init__(self, vocab, emb=19, hidden=23, layers=1, tags=5, both=True, p=0.1):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hidden, layers, batch_first=True, bidirectional=both)
        self.drop = nn.Dropout(p)
        self.head = nn.Linear((2 if both else 1) * hidden, tags)


class Classifier(nn.Module):
    def __init__(self, vocab, emb, hidden, layers, classes):
        super().__init__()
        self.hidden = hidden
        self.embedding = nn.Embedding(vocab, emb)
        self.gru = nn.GRU(emb, hidden, layers)
        self.head = nn.Sequential(nn.Linear(hidden, hidden // 2), nn.ReLU(), nn.Linear(hidden // 2, classes))


class ConvNet(nn.Module):
    def __init__(self, channels, width, classes):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width * 7 * 7, classes)


class Block(nn.Module):
    def __init__(self, dim, inner):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.up, self.down = nn.Linear(dim, inner), nn.Linear(inner, dim)


class Mixer(nn.Module):
    def __init__(self, dim, inner, depth):
        super().__init__()
        self.blocks = nn.ModuleList([Block(dim, inner) for _ in range(depth)])
        self.scale = nn.Parameter(torch.ones(dim))


class Normed(nn.Module):
    def __init__(self, dim, norm=nn.LayerNorm, activation=torch.relu):
        super().__init__()
        self.activation = activation
        self.norm = norm(dim)


class Deep(nn.Module):
    def __init__(self, dim, depth=9):
        super().__init__()
        layers = []
        for _ in range(depth):
            layers += [nn.Linear(dim, dim), nn.ReLU()]
        self.net = nn.Sequential(*layers)


class Encoder(nn.Module):
    def __init__(self, d_model, heads, inner, depth):
        super().__init__()
        layer = nn.TransformerEncoderLayer(d_model, heads, inner, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)


class Derived(Tagger):
    def __init__(self, words, width):
        super().__init__(words, hidden=width)
        self.extra = nn.Linear(width, 3)


class Double(nn.Sequential):
    def __init__(self, channels, width):
        super().__init__(nn.Conv2d(channels, width, 3), nn.BatchNorm2d(width), nn.Conv2d(width, width, 3))


class WithEncoder(nn.Module):
    def __init__(self, encoder, classes):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(23, classes)


class Measuring(nn.Module):
    """Looks at values while it is built, and counts its calls."""

    def __init__(self, dim, depth):
        super().__init__()
        rates = [rate.item() for rate in torch.linspace(0, 0.5, depth)]
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(dim, dim), nn.Dropout(rate)) for rate in rates)
        self.calls = 0


SIZE = 64
MODELS = {
    "tagger": (Tagger, {"vocab": 50, "emb": 12, "hidden": 16, "layers": 2, "tags": 5, "both": True, "p": 0.3}),
    "tagger of equal sizes": (
        Tagger,
        {"vocab": 16, "emb": 16, "hidden": 16, "layers": 1, "tags": 16, "both": False, "p": 0.1},
    ),
    "classifier": (Classifier, {"vocab": 50, "emb": 12, "hidden": 16, "layers": 3, "classes": 4}),
    "classifier of equal sizes": (Classifier, {"vocab": 8, "emb": 8, "hidden": 8, "layers": 2, "classes": 8}),
    "conv net": (ConvNet, {"channels": 3, "width": 6, "classes": 4}),
    "mixer": (Mixer, {"dim": 6, "inner": 10, "depth": 3}),
    "deep": (Deep, {"dim": 6, "depth": 4}),
    "encoder": (Encoder, {"d_model": 16, "heads": 4, "inner": 24, "depth": 2}),
    "encoder of equal sizes": (Encoder, {"d_model": 16, "heads": 4, "inner": 16, "depth": 4}),
    "derived": (Derived, {"words": 50, "width": 16}),
    "normed": (Normed, {"dim": 8, "norm": nn.RMSNorm, "activation": torch.tanh}),
    "double": (Double, {"channels": 3, "width": 8}),
    "measuring": (Measuring, {"dim": 6, "depth": 3}),
    "plain LSTM": (nn.LSTM, {"input_size": 6, "hidden_size": 8, "num_layers": 2, "batch_first": True}),
    "plain Linear": (nn.Linear, {"in_features": 6, "out_features": 8, "bias": False}),
}


@pytest.mark.parametrize("kind", MODELS)
def test_arguments_are_recovered_exactly(kind):
    owner, arguments = MODELS[kind]
    found = find_constructor(owner(**arguments)).arguments
    assert {name: found[name] for name in arguments} == arguments


@pytest.mark.parametrize("kind", MODELS)
def test_build_gives_what_the_class_gives_at_another_size(kind):
    owner, arguments = MODELS[kind]
    constructor = find_constructor(owner(**arguments))
    sizes = constructor.size_arguments()
    assert sizes
    for name in sizes:
        changed = {name: 2 * arguments[name]}
        assert shapes(constructor.build(**changed)) == shapes(owner(**arguments | changed))


@pytest.mark.parametrize(
    ("kind", "sizes", "hidden"),
    [
        ("tagger", {"vocab", "emb", "hidden", "tags"}, "hidden"),
        ("classifier of equal sizes", {"vocab", "emb", "hidden", "classes"}, "hidden"),
        ("conv net", {"channels", "width", "classes"}, "width"),
        ("mixer", {"dim", "inner"}, "dim"),
        ("deep", {"dim"}, "dim"),
        ("encoder", {"d_model", "inner"}, "d_model"),
        ("derived", {"words", "width"}, "width"),
        ("plain LSTM", {"input_size", "hidden_size"}, "hidden_size"),
        ("plain Linear", {"in_features", "out_features"}, None),
    ],
)
def test_size_arguments_change_shapes_and_no_names(kind, sizes, hidden):
    owner, arguments = MODELS[kind]
    constructor = find_constructor(owner(**arguments))
    assert constructor.size_arguments() == {name: arguments[name] for name in sizes}
    assert constructor.hidden_argument() == hidden


def test_hidden_argument_is_what_sets_the_width_of_the_recurrent_layer():
    class Net(nn.Module):
        def __init__(self, width, state):
            super().__init__()
            self.body = nn.Linear(3, width)
            self.rnn = nn.GRU(width, state)

    assert find_constructor(Net(8, 8)).hidden_argument() == "state"


def test_hidden_argument_is_none_where_the_name_is_vague_and_the_layer_another():
    class Net(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.rnn = nn.GRU(width, 8)

    assert find_constructor(Net(8)).hidden_argument() is None


@pytest.mark.parametrize("holder", [types.SimpleNamespace, dict, "dataclass"])
def test_fields_of_a_configuration_are_arguments(holder):
    fields = {"hidden_size": 16, "num_heads": 4, "num_layers": 2, "vocab_size": 50, "pad_token_id": 0}
    if holder == "dataclass":
        holder = dataclasses.make_dataclass("Config", [(name, int) for name in fields])

    class Model(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.config = config
            get = config.__getitem__ if isinstance(config, dict) else vars(config).__getitem__
            self.embedding = nn.Embedding(get("vocab_size"), get("hidden_size"))
            self.layers = nn.ModuleList(
                nn.MultiheadAttention(get("hidden_size"), get("num_heads")) for _ in range(get("num_layers"))
            )

    model = Model(holder(**fields))
    constructor = find_constructor(model)
    assert constructor.size_arguments() == {"hidden_size": 16, "vocab_size": 50}
    assert constructor.hidden_argument() == "hidden_size"
    assert constructor.build(hidden_size=32).embedding.weight.shape == (50, 32)
    assert (model.config if isinstance(model.config, dict) else vars(model.config)) == fields


@pytest.mark.parametrize(
    "build",
    [
        lambda hidden_size=16: Tagger(50, 12, hidden_size),
        lambda hidden_size: Tagger(50, 12, hidden_size),
        lambda *, hidden_size: Tagger(50, hidden=hidden_size, emb=12),
    ],
)
def test_the_users_function_is_taken_where_it_gives_the_model(build):
    constructor = find_constructor(Tagger(50, 12, 16), build)
    assert constructor.size_arguments() == {"hidden_size": 16}
    assert constructor.build(hidden_size=32).lstm.hidden_size == 32


def test_the_users_function_of_several_sizes_is_solved_for_all_of_them():
    constructor = find_constructor(Tagger(50, 12, 16), lambda e, h: Tagger(50, e, h))
    assert constructor.arguments == {"e": 12, "h": 16}


def test_the_users_function_that_gives_another_model_is_refused():
    with pytest.raises(RebuildError, match=r"build\(hidden_size=8\) has lstm.weight_ih_l0 of shape \(32, 12\), where"):
        find_constructor(Tagger(50, 12, 16), lambda hidden_size=8: Tagger(50, 12, hidden_size))


def test_the_users_function_without_arguments_is_refused():
    with pytest.raises(RebuildError, match=r"no arguments.*Pass build=lambda hidden_size: Tagger\(\.\.\.\)"):
        find_constructor(Tagger(50), lambda: Tagger(50))


def test_containers_of_layers_built_outside_are_refused_with_the_next_step():
    with pytest.raises(RebuildError, match=r"an nn.Sequential of layers .* Pass build=lambda hidden_size: nn.Seq"):
        find_constructor(nn.Sequential(nn.Linear(3, 4)))


def test_an_argument_that_left_no_trace_is_named():
    class Net(nn.Module):
        def __init__(self, spec, other):
            super().__init__()
            self.body = nn.Linear(spec["in"], other.width)

    with pytest.raises(
        RebuildError, match=r"Net cannot be built at other sizes: its argument 'spec' was found neither"
    ):
        find_constructor(Net({"in": 3}, types.SimpleNamespace(width=4)))


def test_a_model_changed_after_it_was_built_is_refused():
    model = Tagger(50, 12, 16)
    model.head = nn.Linear(16, 5)
    with pytest.raises(RebuildError, match=r"has head.weight of shape \(5, 32\), where the model's is \(5, 16\)"):
        find_constructor(model)


def test_a_layer_of_another_stride_is_not_taken_for_the_same():
    class Net(nn.Module):
        def __init__(self, width, coarse=False):
            super().__init__()
            self.conv = nn.Conv1d(3, width, 3, stride={True: 2, False: 1}[coarse])

    assert find_constructor(Net(8, True)).arguments == {"width": 8, "coarse": True}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_model": 18}, r"^Encoder\(d_model=18\) raised AssertionError: .*; d_model was 16. Choose 16 or 20.$"),
        ({"d_model": 0}, r"^Encoder\(d_model=0\) raised .*; d_model was 16. Choose 4.$"),
        ({"d_model": 3.5}, r"^Encoder\(d_model=3.5\) raised .*d_model was 16. Choose a whole number that it accepts.$"),
        ({"inner": 0}, r"^inner = 0 is no size; it was 24. Choose a whole number of at least 1.$"),
        ({"width": 3}, r"^Encoder has no argument 'width'; expected one of d_model, heads, inner, depth.$"),
    ],
)
def test_build_says_which_size_was_refused_and_what_to_choose(changes, message):
    with pytest.raises(RebuildError, match=message):
        find_constructor(Encoder(16, 4, 24, 2)).build(**changes)


def test_build_of_more_than_there_is_memory_for_says_so_before_it_tries():
    with pytest.raises(MemoryError, match=r"Tagger\(hidden=10000000\) would take"):
        find_constructor(Tagger(50)).build(hidden=10**7)


def test_build_follows_the_modes_flags_and_dtypes_of_the_model():
    model = Tagger(50, 12, 16).double()
    model.lstm.eval()
    model.embedding.weight.requires_grad_(False)
    model.embedding.half()
    made = find_constructor(model).build(hidden=32)
    assert {path: it.training for path, it in made.named_modules()} == {
        path: it.training for path, it in model.named_modules()
    }
    assert {name: (p.dtype, p.requires_grad) for name, p in made.named_parameters()} == {
        name: (p.dtype, p.requires_grad) for name, p in model.named_parameters()
    }


def test_build_carries_settings_that_the_constructor_does_not_know():
    model = Measuring(6, 3)
    model.calls, model.name = 12, "mine"
    model.layers[1][1].p = 0.9
    made = find_constructor(model).build(dim=8)
    assert (made.calls, made.name, made.layers[1][1].p, made.layers[2][1].p) == (12, "mine", 0.9, 0.5)


def test_build_gives_large_weights_random_numbers_of_the_same_spread():
    wide = Block(512, 600)
    made = find_constructor(wide).build(dim=256)
    assert made.up.weight.std().item() == pytest.approx(wide.up.weight.std().item() * 2**0.5, rel=0.05)
    assert made.up.weight.unique(dim=0).shape == made.up.weight.shape


def test_build_shares_nothing_with_the_model():
    model = WithEncoder(Tagger(50), 4)
    before = fingerprint(model)
    made = find_constructor(model).build(classes=8)
    assert not {id(p) for p in made.parameters()} & {id(p) for p in model.parameters()}
    assert made.encoder is not model.encoder
    assert fingerprint(model) == before


@pytest.mark.parametrize("kind", MODELS)
def test_nothing_is_disturbed(kind):
    owner, arguments = MODELS[kind]
    model = owner(**arguments)
    before = fingerprint(model)
    constructor = find_constructor(model)
    constructor.build(**dict.fromkeys(constructor.size_arguments(), SIZE))
    assert fingerprint(model) == before


def test_a_constructor_that_disturbs_the_process_is_undone(capsys):
    class Loud(nn.Module):
        def __init__(self, dim):
            super().__init__()
            print("building", dim)
            torch.manual_seed(0), random.seed(0), numpy.random.seed(0)
            torch.set_default_dtype(torch.float64)
            torch.set_default_device("meta")
            self.linear = nn.Linear(dim, dim)

    model = Loud(4)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    capsys.readouterr()
    torch.manual_seed(1), random.seed(1), numpy.random.seed(1)
    before = fingerprint(model.to_empty(device="cpu"))
    find_constructor(model).size_arguments()
    assert fingerprint(model) == before
    assert capsys.readouterr().out == ""


def test_reference_models_can_all_be_built_at_another_hidden_size():
    for owner in (zoo.BiLSTMTagger, zoo.BrokenBiLSTMTagger, zoo.ELMoLike, zoo.BrokenELMoLike):
        constructor = find_constructor(owner())
        name = constructor.hidden_argument()
        assert name is not None
        assert shapes(constructor.build(**{name: SIZE})) == shapes(owner(**{name: SIZE}))


@pytest.mark.parametrize("kind", ["encoder", "measuring"])
def test_build_follows_the_device_of_the_model_also_where_its_constructor_cannot_run_there(kind):
    owner, arguments = MODELS[kind]
    constructor = find_constructor(owner(**arguments).to("meta"))
    name = next(iter(constructor.size_arguments()))
    made = constructor.build(**{name: SIZE})
    assert {weight.device.type for weight in made.parameters()} == {"meta"}
    assert shapes(made) == shapes(owner(**{**arguments, name: SIZE}))
