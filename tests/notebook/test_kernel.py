"""The whole way in a real kernel: a cell's own model, the magic, and sliders moved over the comm as a browser does."""

import pytest
from jupyter_client.manager import start_new_kernel

WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS = 60

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

COUNT_PROBES = """import threading, time
session = dashboard.report.session
probes, probe = [], session.probe

def counted(sizes):
    probes.append((sizes["B"], threading.current_thread() is threading.main_thread()))
    return probe(sizes)

def wait_for_the_last_move():
    deadline = time.monotonic() + 30
    while dashboard.controls["B"].value != 9:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert probes == []

session.probe = counted
"""


class Kernel:
    """A kernel's client that can do what a notebook page does."""

    def __init__(self, client):
        self.client = client
        self.models = {}

    def run(self, code):
        """Run a cell; gives its outputs."""
        outputs = []
        reply = self.client.execute_interactive(code, timeout=SECONDS, output_hook=lambda it: self._keep(it, outputs))
        assert reply["content"]["status"] == "ok", outputs
        return outputs

    def _keep(self, message, outputs):
        kind, content = message["msg_type"], message["content"]
        if kind == "comm_open":
            self.models[content["comm_id"]] = dict(content["data"]["state"])
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.models.setdefault(content["comm_id"], {}).update(content["data"]["state"])
        elif kind in ("display_data", "execute_result", "stream", "error"):
            outputs.append(message)

    def subshell(self):
        """A second shell, as JupyterLab makes one for widgets; its id."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        while True:
            reply = self.client.control_channel.get_msg(timeout=SECONDS)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return reply["content"]["subshell_id"]

    def move(self, model_id, state, subshell=None):
        """Send what a page sends when a person moves a control."""
        data = {"method": "update", "state": state, "buffer_paths": []}
        message = self.client.session.msg("comm_msg", {"comm_id": model_id, "data": data})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)

    def listen_until(self, is_true):
        """Take in what the kernel publishes until it is true."""
        while not is_true():
            self._keep(self.client.get_iopub_msg(timeout=SECONDS), [])

    def find(self, **state):
        """The id of the one widget that has this state."""
        (found,) = (id_ for id_, model in self.models.items() if state.items() <= model.items())
        return found

    def box(self, name):
        """The id of the number box of a size."""
        return self.find(_model_name="IntTextModel", value=self.view["sizes"][name])

    @property
    def view(self):
        """The state of the graph view."""
        (found,) = (model for model in self.models.values() if "view_state" in model)
        return found

    @property
    def probed(self):
        """The sizes that the graph was recorded at."""
        return {symbol["name"]: symbol["value"] for symbol in self.view["graph"]["symbols"]}

    def listen_until_measured(self):
        plots = [model for model in self.models.values() if "figure" in model]
        self.listen_until(lambda: all(plot["figure"] for plot in plots) and self.view["status"]["state"] == "ready")


@pytest.fixture
def kernel():
    manager, client = start_new_kernel(startup_timeout=SECONDS)
    try:
        kernel = Kernel(client)
        kernel.run("%load_ext shapewidget")
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


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
