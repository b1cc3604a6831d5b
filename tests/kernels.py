"""Real kernels of both stacks, and a client of theirs that can do what a notebook page does."""

import json
import zlib
from contextlib import contextmanager
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parent.parent
SECONDS = 180
"""How long anything may take at most, on a machine that is busy."""
STACKS = {"newest": ".venv", "colab": ".venv-colab"}


class Kernel:
    """A kernel's client that can do what a notebook page does."""

    def __init__(self, client):
        self.client = client
        self.models = {}
        self.ended = set()

    def run(self, code):
        """Run a cell; gives its outputs."""
        outputs = []
        reply = self.client.execute_interactive(code, timeout=SECONDS, output_hook=lambda it: self._keep(it, outputs))
        assert reply["content"]["status"] == "ok", outputs
        return outputs

    def _keep(self, message, outputs):
        kind, content = message["msg_type"], message["content"]
        if kind == "comm_open":
            self.models[content["comm_id"]] = state_in(message)
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.models.setdefault(content["comm_id"], {}).update(state_in(message))
        elif kind == "status" and content["execution_state"] == "idle":
            self.ended.add(message["parent_header"].get("msg_id"))
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
        """Send what a page sends when a person moves a control; gives the id of the message."""
        data = {"method": "update", "state": state, "buffer_paths": []}
        message = self.client.session.msg("comm_msg", {"comm_id": model_id, "data": data})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

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


def state_in(message):
    """The traits that a message brings; of those that come as bytes, only the graph is read."""
    data = message["content"]["data"]
    state = dict(data["state"])
    for path, content in zip(data.get("buffer_paths", ()), message["buffers"], strict=True):
        if path == ["graph"]:
            state["graph"] = json.loads(zlib.decompress(content))
    return state


@contextmanager
def running(stack, folder):
    """A kernel of one stack, with the extension loaded; `folder` is empty and takes its settings."""
    python = ROOT / STACKS[stack] / "bin" / "python"
    spec = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": stack,
        "language": "python",
    }
    (folder / stack).mkdir()
    (folder / stack / "kernel.json").write_text(json.dumps(spec))
    specs = KernelSpecManager(kernel_dirs=[str(folder)], ensure_native_kernel=False)
    manager = KernelManager(kernel_name=stack, kernel_spec_manager=specs)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=SECONDS)
        kernel = Kernel(client)
        kernel.run("%load_ext shapewidget")
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
