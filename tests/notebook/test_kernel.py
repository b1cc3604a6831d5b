"""The whole way in a real kernel: a cell's own model, the magic, and sliders moved over the comm as a browser does."""

import pytest
from kernels import running

WIDGET = "application/vnd.jupyter.widget-view+json"

TAGGER = """import torch
from torch import nn
torch.set_num_threads(1)

class Tagger(nn.Module):
    def __init__(self, vocabulary=50, embedding=8, hidden=16, tags=3):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear({width}, tags)

    def forward(self, ids):
        states, _ = self.lstm(self.embedding(ids))
        return self.head(states)

model = Tagger()
"""
WRONG, RIGHT = TAGGER.format(width="hidden"), TAGGER.format(width="2 * hidden")

COUNT_PROBES = """import threading
session = dashboard.report.session
probes, probe = [], session.probe

def counted(sizes):
    probes.append((sizes["B"], threading.current_thread() is threading.main_thread()))
    return probe(sizes)

last_move = threading.Event()
dashboard.controls["B"].observe(lambda change: last_move.set() if change["new"] == 9 else None, "value")

def wait_for_the_last_move():
    assert last_move.wait(180)
    assert probes == []

session.probe = counted
"""


@pytest.fixture
def kernel(tmp_path):
    with running("newest", tmp_path) as kernel:
        yield kernel


def test_magic_sends_one_display_with_widget_table_and_text(kernel):
    kernel.run(WRONG)
    outputs = kernel.run("%shapewidget model")
    assert [output["msg_type"] for output in outputs] == ["display_data"]
    data = outputs[0]["content"]["data"]
    assert data.keys() == {WIDGET, "text/html", "text/plain"}
    assert kernel.models[data[WIDGET]["model_id"]]["_model_name"] == "VBoxModel"
    for text in (data["text/html"], data["text/plain"]):
        assert "SW101" in text
        assert "2·hidden = 32" in text
        assert "In [2], line 10" in text


def test_graph_is_there_when_the_cell_has_run(kernel):
    kernel.run(WRONG)
    kernel.run("%shapewidget model")
    assert kernel.view["graph"]["title"] == "Tagger"
    assert [finding["code"] for finding in kernel.view["graph"]["findings"]] == ["SW101"]
    assert kernel.view["graph"]["findings"][0]["verified"]


@pytest.mark.parametrize("shell", ["main", "subshell"])
def test_moved_slider_runs_the_model_and_redraws(kernel, shell):
    subshell = kernel.subshell() if shell == "subshell" else None
    kernel.run(RIGHT)
    kernel.run("dashboard = %shapewidget model")
    kernel.listen_until_measured()
    kernel.move(kernel.box("hidden"), {"value": 40}, subshell)
    kernel.listen_until(lambda: kernel.probed["hidden"] == 40)
    kernel.listen_until_measured()
    assert kernel.view["problem"] is None
    assert [tensor["shape"][-1] for tensor in kernel.view["tensors"] if "2·hidden" in tensor["symbols"]] == [80]
    (output,) = kernel.run("print({16, 40} <= {point.sizes['hidden'] for point in dashboard.measurements})")
    assert output["content"]["text"] == "True\n"


def test_sizes_moved_while_a_cell_runs_are_probed_once_after_it(kernel):
    subshell = kernel.subshell()
    kernel.run(RIGHT)
    kernel.run("dashboard = %shapewidget model")
    kernel.listen_until_measured()
    box = kernel.box("B")
    kernel.move(box, {"value": 2}, subshell)  # the kernel takes the first message of a widget on its main shell
    kernel.listen_until(lambda: kernel.probed["B"] == 2)
    kernel.listen_until_measured()
    kernel.run(COUNT_PROBES)
    kernel.client.execute("wait_for_the_last_move()")
    for value in (3, 5, 7, 9):
        kernel.move(box, {"value": value}, subshell)
    kernel.listen_until(lambda: kernel.probed["B"] == 9)
    (output,) = kernel.run("print(probes)")
    assert output["content"]["text"] == "[(9, True)]\n"
