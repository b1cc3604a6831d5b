"""`shapewidget.explain`: from an exception alone."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref

import pytest
import torch
from cells import KernelShell, shell_of
from fingerprint import fingerprint
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

import shapewidget
from shapewidget.errors import InputError


class Tagger(nn.Module):
    def __init__(self, vocab=50, emb=16, hidden=32, tags=5):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(hidden, tags)

    def forward(self, ids):
        states, _ = self.lstm(self.emb(ids))
        return self.head(states)


class Folding(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Linear(8 * 6 * 6, 4)

    def forward(self, x):
        x = torch.relu(self.conv(x))
        x = x.view(-1, 8 * 6 * 6)
        return self.fc(x)


def raised(function, *args):
    """The exception that a call raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        function(*args)
    return caught.value


def the_finding(error):
    """The one finding above a note that explains an exception."""
    findings = [it for it in shapewidget.explain(error).findings if it.severity != "note"]
    assert len(findings) == 1, findings
    return findings[0]


def test_explain_probes_the_outermost_model_with_its_own_arguments():
    finding = the_finding(raised(Tagger(), torch.randint(0, 50, (4, 7))))
    assert (finding.code, finding.layer, finding.expected, finding.got) == ("SW101", "head", 32, 64)
    assert finding.fix == "self.head = nn.Linear(2 * hidden, tags)"
    assert finding.verified
    assert finding.patch


def test_explain_takes_keyword_and_plain_arguments_of_the_model():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 2)

        def forward(self, x, scale, flip=False):
            return self.fc(x.flip(1) if flip else x) * scale

    finding = the_finding(raised(lambda: Scaled()(torch.randn(4, 5), 2, flip=True)))
    assert (finding.layer, finding.expected, finding.got, finding.verified) == ("fc", 6, 5, True)


def test_explain_tells_a_loss_at_the_reshape_that_is_its_cause():
    def step():
        model = Folding()
        x, y = torch.randn(4, 3, 14, 14), torch.randint(0, 4, (4,))
        criterion = nn.CrossEntropyLoss()
        out = model(x)
        return criterion(out, y)

    finding = the_finding(raised(step))
    assert (finding.code, finding.op) == ("SW303", "view")
    assert "16 = 4 x 4" in finding.reason
    assert finding.verified


def test_explain_mends_the_line_of_a_loss_against_its_target():
    def step():
        model = nn.Sequential(nn.Linear(10, 6), nn.Linear(6, 1))
        x, y = torch.randn(8, 10), torch.randn(8)
        return F.binary_cross_entropy_with_logits(model(x), y)

    finding = the_finding(raised(step))
    assert (finding.code, finding.where) == ("SW301", "loss")
    assert finding.fix == "return F.binary_cross_entropy_with_logits(model(x).squeeze(-1), y)"
    assert finding.verified


def test_explain_reads_a_loss_in_a_training_step_of_a_class():
    class Lit(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(10, 3))

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, number):
            x, y = batch
            logits = self(x)
            return F.cross_entropy(logits, y)

    error = raised(Lit().training_step, (torch.randn(6, 10), torch.randint(0, 3, (6, 1))), 0)
    finding = the_finding(error)
    assert (finding.code, finding.verified) == ("SW301", True)
    assert finding.source is not None
    assert "cross_entropy(logits, y)" in finding.source.text


def attention(q, k, v):
    scores = q @ k / q.size(-1) ** 0.5
    return scores.softmax(-1) @ v


def test_explain_works_for_a_plain_function():
    q, k = torch.randn(2, 5, 8), torch.randn(2, 6, 8)
    finding = the_finding(raised(attention, q, k, k))
    assert (finding.code, finding.layer) == ("SW203", "matmul")
    assert finding.fix == "scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5"
    assert finding.verified


def test_explain_follows_layers_in_a_function_back_to_what_they_were_given():
    def script():
        encoder, decoder = nn.Linear(10, 20), nn.Linear(30, 4)
        x = torch.randn(3, 10)
        hidden = torch.relu(encoder(x))
        return decoder(hidden)

    finding = the_finding(raised(script))
    assert (finding.layer, finding.expected, finding.got, finding.verified) == ("decoder", 30, 20, True)
    assert "`encoder` (Linear) gives 20" in finding.reason
    assert finding.fix == "encoder, decoder = nn.Linear(10, 20), nn.Linear(20, 4)"
    assert finding.patch


def test_explain_believes_no_variable_that_was_given_another_value_since():
    def script():
        x = torch.randn(3, 10)
        h = x[:, :4]
        w = torch.randn(10, 10)
        x = x @ w
        x = x.t()
        return torch.cat([x, h], 1)

    finding = the_finding(raised(script))
    assert (finding.code, finding.layer) == ("SW202", "cat")
    assert "(10, 3)" in finding.reason


CALLS = []


def noted(x):
    CALLS.append(x)
    return x + torch.randn(3)


def test_explain_runs_nothing_twice_that_lasts():
    CALLS.clear()
    with pytest.raises(RuntimeError) as caught:
        noted(torch.randn(4))
    shapewidget.explain(caught.value)
    assert len(CALLS) == 1


def test_explain_leaves_the_model_and_the_process_as_they_were():
    model, ids = Tagger(), torch.randint(0, 50, (4, 7))
    error = raised(model, ids)
    before = fingerprint(model)
    shapewidget.explain(error)
    assert fingerprint(model) == before


def test_explain_keeps_no_frame_alive():
    class Held:
        pass

    def step(x):
        held = Held()
        kept.append(weakref.ref(held))
        return x @ torch.randn(3, 3)

    kept: list[weakref.ref[Held]] = []
    error = raised(step, torch.randn(4, 4))
    report = shapewidget.explain(error)
    assert report.findings
    del error
    gc.collect()
    assert kept[0]() is None


@pytest.mark.parametrize(
    ("call", "code", "said"),
    [
        (lambda: nn.Embedding(10, 4)(torch.tensor([[1, 11]])), "SW402", "11"),
        (lambda: nn.Linear(4, 2)(torch.zeros(3, 4, dtype=torch.float64)), "SW401", "float64"),
        (lambda: torch.zeros(2, 4, dtype=torch.float64) @ torch.zeros(4, 4), "SW401", "float64"),
        (lambda: torch.zeros(4, 4, device="meta") + torch.zeros(4, 4), "SW403", "meta"),
    ],
)
def test_explain_says_of_what_is_no_shape_bug_that_it_is_none(call, code, said):
    finding = the_finding(raised(call))
    assert finding.code == code
    assert "no shape problem" in finding.reason
    assert said in finding.reason


def test_explain_of_an_error_without_tensors_says_so():
    report = shapewidget.explain(raised(lambda: {}["missing"]))
    (finding,) = report.findings
    assert (finding.code, "KeyError" in finding.reason) == ("SW901", True)


def test_explain_looks_at_the_loader_that_could_not_stack_its_samples():
    def epoch():
        loader = DataLoader([torch.zeros(3), torch.zeros(4)], batch_size=2)
        for batch in loader:
            print(batch)

    report = shapewidget.explain(raised(epoch))
    assert [it.code for it in report.findings] == ["SW711"]


def test_explain_without_an_exception_says_what_to_do():
    code = "import torch, shapewidget; shapewidget.explain()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "InputError: There is no exception to explain" in ran.stderr
    with pytest.raises(InputError, match="never raised"):
        shapewidget.explain(ValueError("made by hand"))
    with pytest.raises(InputError, match="Expected an exception, got str"):
        shapewidget.explain("RuntimeError")  # type: ignore[arg-type]


CELL = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(8, 16)
        self.two = nn.Linear(8, 2)

    def forward(self, x):
        return self.two(torch.relu(self.one(x)))

net = Net()
"""


def test_explain_takes_the_error_of_the_last_cell(capsys):
    with shell_of(KernelShell) as shell:
        shell.run_cell(CELL, store_history=True)
        shell.run_cell("out = net(torch.randn(4, 8))", store_history=True)
        shell.run_cell("import shapewidget\nreport = shapewidget.explain()", store_history=True)
        (finding,) = shell.user_ns["report"].findings
    assert (finding.layer, finding.expected, finding.got, finding.verified) == ("two", 8, 16, True)
    assert str(finding.source) == "In [1], line 8"
    assert finding.patch.startswith("--- In [1]")


def test_explain_mends_the_line_of_a_cell(capsys):
    with shell_of(KernelShell) as shell:
        shell.run_cell(CELL.replace("Linear(8, 2)", "Linear(16, 1)"), store_history=True)
        shell.run_cell("x, y = torch.randn(4, 8), torch.randn(4)\nloss = nn.BCEWithLogitsLoss()", store_history=True)
        shell.run_cell("out = net(x)\nvalue = loss(out, y)", store_history=True)
        report = shapewidget.explain()
    (finding,) = report.findings
    assert (finding.code, finding.verified, str(finding.source)) == ("SW301", True, "In [3], line 2")
    assert finding.fix == "value = loss(out.squeeze(-1), y)"


def test_the_magic_alone_explains_the_last_error(capsys):
    with shell_of(KernelShell) as shell:
        shell.run_line_magic("load_ext", "shapewidget")
        shell.run_cell("import torch\na, b = torch.zeros(3, 4), torch.zeros(5, 4)\nc = torch.cat([a, b], 1)")
        capsys.readouterr()
        assert shell.run_line_magic("shapewidget", "") is None
    said = capsys.readouterr().out
    assert "SW202" in said
    assert "cat" in said


KERAS = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, torch, shapewidget
try:
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Conv2D(2, 3)])
except ValueError as error:
    print(shapewidget.explain(error))
"""


def test_explain_of_a_keras_error_names_the_layer_that_refused_while_it_was_built():
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    ran = subprocess.run([sys.executable, "-c", KERAS], capture_output=True, text=True, env=environment)
    assert "SW110" in ran.stdout, ran.stderr
    assert "(Conv2D) takes tensors with 4 axes" in ran.stdout
