"""A remedy is tried on a copy, shown in the user's own source where there is one, and leaves no trace."""

import linecache

import pytest
import torch
from cells import KernelShell, run, shell_of
from fingerprint import fingerprint
from IPython.core.interactiveshell import InteractiveShell
from small_models import model_of
from torch import nn

from shapewidget.frameworks.source.text import Source
from shapewidget.frameworks.torch.attempt import attempt
from shapewidget.frameworks.torch.constructor import find_constructor
from shapewidget.graph.dims import Dim
from shapewidget.graph.remedies import EditExpression, SetArgument

CELL = """
import torch
from torch import nn
import torch.nn.functional as F

CLASSES = 12

class Gate(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.squeeze, self.other = nn.Linear(channels, width), nn.Linear(channels, channels)

class Tagger(nn.Module):
    def __init__(self, vocab, emb, hidden, tags, depth=3, flat=16):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hidden, bidirectional=True)
        é = "ü"; self.head = nn.Linear(hidden, tags)  # ü
        self.net = nn.Sequential(
            nn.Linear(hidden, 7),
            nn.Linear(in_features=8, out_features=CLASSES),
        )
        self.blocks = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(depth)])
        self.gate = Gate(hidden, 8)
        self.gates = nn.ModuleList(Gate(emb, hidden) for _ in range(2))
        self.flat = nn.Linear(flat, 2)
        self.norm = nn.BatchNorm1d(hidden)

    def forward(self, ids):
        states, _ = self.lstm(self.embedding(ids))
        return scores(self.head(states)).reshape(-1, 5)

def scores(x):
    return x.transpose(0, 1)

class Weighted(nn.Module):
    def forward(self, outputs, targets):
        return F.mse_loss(outputs, targets)

loss = lambda outputs, targets: F.mse_loss(outputs, targets)
"""
SIZES = {"vocab": 50, "emb": 10, "hidden": 16, "tags": 5}


@pytest.fixture(params=[InteractiveShell, KernelShell, None], ids=["ipython", "ipykernel", "file"])
def user(request, tmp_path):
    """The user's namespace, from a cell or a file."""
    if request.param is None:
        (tmp_path / "mine.py").write_text(CELL, encoding="utf-8")
        namespace = {"__name__": "mine"}
        exec(compile(CELL, str(tmp_path / "mine.py"), "exec"), namespace)
        yield namespace
    else:
        with shell_of(request.param) as shell:
            yield run(shell, CELL)


@pytest.fixture
def sourceless():
    """The same, as it is behind `exec`."""
    namespace = {"__name__": "mine"}
    exec(CELL, namespace)
    return namespace


def line_of(function, expression, *, after=""):
    """The line of a function that holds an expression, as a recording would name it."""
    source = Source.read(function.__code__.co_filename)
    first = next(number for number, text in enumerate(source.lines, 1) if after in text)
    number = next(n for n, text in enumerate(source.lines, 1) if n >= first and expression in text)
    return source.line(number, expression)


def changed_lines(patch):
    return [line for line in patch.splitlines() if line[0] in "+-" and line[:3] not in ("+++", "---")]


@pytest.mark.parametrize(
    ("path", "argument", "value", "fix", "after"),
    [
        (
            "head",
            "in_features",
            32,
            "self.head = nn.Linear(2 * hidden, tags)",
            '        é = "ü"; self.head = nn.Linear(2 * hidden, tags)  # ü',
        ),
        ("net.0", "in_features", 32, "nn.Linear(2 * hidden, 7)", "            nn.Linear(2 * hidden, 7),"),
        (
            "net.1",
            "in_features",
            7,
            "nn.Linear(in_features=7, out_features=CLASSES)",
            "            nn.Linear(in_features=7, out_features=CLASSES),",
        ),
        (
            "net.1",
            "out_features",
            24,
            "nn.Linear(in_features=8, out_features=2 * CLASSES)",
            "            nn.Linear(in_features=8, out_features=2 * CLASSES),",
        ),
        (
            "blocks.1",
            "in_features",
            32,
            "nn.Linear(2 * hidden, hidden)",
            "        self.blocks = nn.ModuleList([nn.Linear(2 * hidden, hidden) for _ in range(depth)])",
        ),
        (
            "lstm",
            "batch_first",
            True,
            "self.lstm = nn.LSTM(emb, hidden, bidirectional=True, batch_first=True)",
            "        self.lstm = nn.LSTM(emb, hidden, bidirectional=True, batch_first=True)",
        ),
        (
            "lstm",
            "bidirectional",
            False,
            "self.lstm = nn.LSTM(emb, hidden, bidirectional=False)",
            "        self.lstm = nn.LSTM(emb, hidden, bidirectional=False)",
        ),
        (
            "gate.squeeze",
            "out_features",
            32,
            "self.gate = Gate(hidden, 2 * hidden)",
            "        self.gate = Gate(hidden, 2 * hidden)",
        ),
        (
            "gates.1.other",
            "out_features",
            30,
            "self.other = nn.Linear(channels, 3 * channels)",
            "        self.squeeze, self.other = nn.Linear(channels, width), nn.Linear(channels, 3 * channels)",
        ),
        ("norm", "num_features", 10, "self.norm = nn.BatchNorm1d(emb)", "        self.norm = nn.BatchNorm1d(emb)"),
    ],
)
def test_argument_is_changed_in_the_source(user, path, argument, value, fix, after):
    model = user["Tagger"](**SIZES)
    made = attempt(model, find_constructor(model), SetArgument(path, argument, value))
    assert getattr(made.model.get_submodule(path), argument) == value
    assert made.fix == fix
    removed, added = changed_lines(made.patch)
    assert added == "+" + after
    assert removed[1:] in CELL.splitlines()
    number = int(made.patch.split("@@ -")[1].split()[0])
    source = Source.read(user["Tagger"].__init__.__code__.co_filename)
    assert source.lines[number - 1] == removed[1:] + "\n"
    assert (made.source.line, made.source.text) == (number, removed[1:].strip())
    assert made.patch.startswith(f"--- {made.source.label}\n+++ {made.source.label}\n")


def test_patch_is_labelled_as_the_user_knows_the_source(user):
    model = user["Tagger"](**SIZES)
    made = attempt(model, None, SetArgument("head", "in_features", 32))
    assert made.source.label in ("In [1]", "mine.py")


def test_size_is_written_in_the_terms_in_which_it_was_solved(user):
    model = user["Tagger"](50, 16, 16, 5)
    remedy = SetArgument("head", "in_features", 32, Dim(((1, ("emb",)), (1, ("hidden",)))))
    assert attempt(model, None, remedy).fix == "self.head = nn.Linear(emb + hidden, tags)"


def test_names_of_the_solved_size_that_are_not_in_scope_are_not_used(user):
    model = user["Tagger"](**SIZES)
    remedy = SetArgument("head", "in_features", 32, Dim(((2, ("d_model",)),)))
    assert attempt(model, None, remedy).fix == "self.head = nn.Linear(2 * hidden, tags)"


def test_one_edit_changes_every_module_that_it_builds(user):
    model = user["Tagger"](**SIZES)
    made = attempt(model, None, SetArgument("blocks.1", "in_features", 32)).model
    assert [block.in_features for block in made.blocks] == [32, 32, 32]
    made = attempt(model, None, SetArgument("gates.1.other", "out_features", 30)).model
    assert [gate.other.out_features for gate in made.gates] == [30, 30]
    assert made.gate.other.out_features == 48


def test_weights_that_still_fit_are_kept(user):
    model = user["Tagger"](**SIZES).eval()
    made = attempt(model, find_constructor(model), SetArgument("head", "in_features", 32)).model
    assert torch.equal(made.lstm.weight_ih_l0, model.lstm.weight_ih_l0)
    assert torch.equal(made.head.bias, model.head.bias)
    assert made.head.weight.shape == (5, 32)
    assert not any(module.training for module in made.modules())


def test_argument_that_serves_one_layer_alone_is_changed_at_the_call(user):
    model = user["Tagger"](**SIZES)
    made = attempt(model, find_constructor(model), SetArgument("flat", "in_features", 32))
    assert (made.fix, made.patch, made.model.flat.in_features) == ("Tagger(flat=32)", None, 32)
    assert torch.equal(made.model.head.weight, model.head.weight)


def test_argument_is_changed_at_the_call_also_where_the_users_function_hides_it(user):
    model = user["Tagger"](**SIZES)
    constructor = find_constructor(model, lambda hidden_size=16: user["Tagger"](50, 10, hidden_size, 5))
    assert attempt(model, constructor, SetArgument("flat", "in_features", 32)).fix == "Tagger(flat=32)"


def test_layer_is_replaced_alone_where_its_class_cannot_be_built_again():
    with shell_of(KernelShell) as shell:
        namespace = run(
            shell,
            """
            from torch import nn
            class Net(nn.Module):
                def __init__(self, spec, width):
                    super().__init__()
                    self.body = nn.Linear(spec["in"], width)
            """,
        )
        made = attempt(namespace["Net"]({"in": 3}, 4), None, SetArgument("body", "out_features", 8))
    assert (made.fix, made.patch, made.model.body.out_features) == ("model.body = nn.Linear(3, 8)", None, 8)


@pytest.mark.parametrize(
    ("path", "argument", "value", "fix"),
    [
        ("head", "in_features", 32, "model.head = nn.Linear(32, 5)"),
        ("net.0", "in_features", 32, "model.net[0] = nn.Linear(32, 7)"),
        ("blocks.1", "bias", False, "model.blocks[1] = nn.Linear(16, 16, bias=False)"),
        ("lstm", "batch_first", True, "model.lstm = nn.LSTM(10, 16, batch_first=True, bidirectional=True)"),
        ("gates.0.squeeze", "out_features", 3, "model.gates[0].squeeze = nn.Linear(10, 3)"),
    ],
)
def test_layer_is_replaced_alone_where_there_is_no_source(sourceless, path, argument, value, fix):
    model = sourceless["Tagger"](**SIZES)
    made = attempt(model, None, SetArgument(path, argument, value))
    assert (made.fix, made.patch, made.source) == (fix, None, None)
    assert torch.equal(made.model.embedding.weight, model.embedding.weight)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(shapes_of(made.model, path), shapes_of(model, path))


def shapes_of(model, path):
    layer = model.get_submodule(path)
    return [list(parameter.shape) for parameter in layer.parameters()] + [int(getattr(layer, "batch_first", 0))]


def test_layer_of_a_bare_sequential_is_replaced():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(5, 6, bias=False))
    made = attempt(model, None, SetArgument("2", "in_features", 4))
    assert (made.fix, made.patch) == ("model[2] = nn.Linear(4, 6, bias=False)", None)
    assert made.model(torch.zeros(1, 3)).shape == (1, 6)


def test_layer_that_stands_in_two_places_is_replaced_in_both():
    shared = nn.Linear(4, 4)
    made = attempt(nn.Sequential(shared, shared), None, SetArgument("1", "out_features", 8)).model
    assert made[0] is made[1]
    assert made[0].out_features == 8


def test_model_that_is_a_layer_is_built_anew():
    made = attempt(nn.LSTM(3, 4), None, SetArgument("", "batch_first", True))
    assert (made.fix, made.model.batch_first) == ("nn.LSTM(3, 4, batch_first=True)", True)


def test_source_of_installed_packages_is_not_patched(tmp_path):
    path = tmp_path / "site-packages" / "library.py"
    path.parent.mkdir()
    path.write_text(CELL, encoding="utf-8")
    namespace = {"__name__": "library"}
    exec(compile(CELL, str(path), "exec"), namespace)
    model = namespace["Tagger"](**SIZES)
    made = attempt(model, None, SetArgument("head", "in_features", 32))
    assert (made.fix, made.patch) == ("model.head = nn.Linear(32, 5)", None)
    line = line_of(namespace["scores"], "x.transpose(0, 1)")
    assert attempt(model, None, EditExpression(line, "x")) is None


def test_expression_of_a_method_is_replaced(user):
    model = user["Tagger"](**{**SIZES, "hidden": 5})
    model.head = nn.Linear(10, 5)
    expression = "scores(self.head(states)).reshape(-1, 5)"
    made = attempt(model, None, EditExpression(line_of(model.forward, expression), "scores(self.head(states))"))
    ids = torch.zeros(3, 4, dtype=torch.long)
    assert (made.model(ids).shape, model(ids).shape) == ((4, 3, 5), (12, 5))
    assert made.fix == "return scores(self.head(states))"
    assert changed_lines(made.patch) == [f"-        return {expression}", "+        return scores(self.head(states))"]


def test_expression_of_a_function_that_a_method_calls_is_replaced(user):
    model = user["Tagger"](**SIZES)
    model.head = nn.Linear(32, 5)
    made = attempt(model, None, EditExpression(line_of(user["scores"], "x.transpose(0, 1)"), "x.flatten(0, 1)"))
    assert made.fix == "return x.flatten(0, 1)"
    assert made.model(torch.zeros(3, 4, dtype=torch.long)).shape == (12, 5)
    assert user["scores"](torch.zeros(3, 4)).shape == (4, 3)


@pytest.mark.parametrize("name", ["loss", "Weighted"])
def test_expression_of_the_loss_is_replaced(user, name):
    model, loss = user["Tagger"](**SIZES), user["loss"] if name == "loss" else user["Weighted"]()
    function = loss if name == "loss" else loss.forward
    expression = "F.mse_loss(outputs, targets)"
    line = line_of(function, expression, after="loss = lambda" if name == "loss" else "class Weighted")
    made = attempt(model, None, EditExpression(line, "F.mse_loss(outputs, targets + 1)"), loss)
    zeros = torch.zeros(3)
    assert (float(made.loss(zeros, zeros)), float(loss(zeros, zeros))) == (1, 0)
    assert made.model is model
    assert changed_lines(made.patch)[1].endswith("F.mse_loss(outputs, targets + 1)")


@pytest.mark.parametrize(
    "remedy",
    [
        SetArgument("head", "no_such_argument", 3),
        SetArgument("head", "in_features", -1),
        SetArgument("no.such.layer", "in_features", 3),
        SetArgument("lstm", "dropout", "much"),
    ],
)
def test_remedy_that_cannot_be_applied_gives_none(user, remedy):
    model = user["Tagger"](**SIZES)
    before = fingerprint(model)
    assert attempt(model, find_constructor(model), remedy) is None
    assert fingerprint(model) == before


@pytest.mark.parametrize("replacement", ["x.no_such(", "", "x\ny"])
def test_replacement_that_is_no_expression_gives_none(user, replacement):
    model = user["Tagger"](**SIZES)
    line = line_of(user["scores"], "x.transpose(0, 1)")
    assert attempt(model, None, EditExpression(line, replacement)) is None


def test_line_that_neither_model_nor_loss_holds_gives_none(user):
    line = line_of(user["scores"], "x.transpose(0, 1)")
    assert attempt(nn.Linear(3, 4), None, EditExpression(line, "x")) is None


def test_interrupt_is_not_held_up():
    def forward(self, x):
        return x

    class Stubborn(nn.Module):
        def __deepcopy__(self, memo):
            raise KeyboardInterrupt

    model = model_of(forward, stubborn=Stubborn(), linear=nn.Linear(3, 4))
    with pytest.raises(KeyboardInterrupt):
        attempt(model, None, SetArgument("linear", "in_features", 4))


def test_nothing_of_the_users_changes(user):
    model = user["Tagger"](**SIZES)
    model.last = model.head(torch.zeros(2, 16))
    model.last.sum().backward()
    owner = user["Tagger"]
    codes = {name: value.__code__ for name, value in vars(owner).items() if hasattr(value, "__code__")}
    before = fingerprint(model), dict(vars(owner)), dict(user)
    lines = dict(linecache.cache)
    for remedy in (
        SetArgument("head", "in_features", 32),
        SetArgument("gates.1.other", "out_features", 30),
        SetArgument("flat", "in_features", 32),
        SetArgument("embedding", "padding_idx", 0),
        EditExpression(line_of(user["scores"], "x.transpose(0, 1)"), "x"),
        EditExpression(line_of(model.forward, "self.embedding(ids)"), "self.embedding(ids + 0)"),
    ):
        assert attempt(model, find_constructor(model), remedy) is not None
    assert (fingerprint(model), dict(vars(owner)), dict(user)) == before
    assert lines.items() <= linecache.cache.items()
    assert all(vars(owner)[name].__code__ is code for name, code in codes.items())
