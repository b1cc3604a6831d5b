"""The states of graph views of eight models, kept as files: pictures change with the front end, not with the engine.

``python tests/browser/pictured_states.py`` writes them anew, and the pictures have to be renewed after it.
"""

import json
import sys
import zlib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "pictures"
NAMES = ("bilstm", "elmo", "resnet", "unet", "bert", "gpt2", "t5", "densenet")


def state(name: str) -> dict[str, Any]:
    """The traits of the view of one model."""
    return json.loads(zlib.decompress((FOLDER / f"{name}.state").read_bytes()))


def write() -> None:
    """Probe the models and write down what their views show."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    import torch
    from browser import pictured_models as models
    from browser import pictured_transformers as transformers

    import shapewidget
    from shapewidget.notebook.wire import wire_graph, wire_tensors

    torch.manual_seed(0)
    ids, answers = torch.randint(0, models.WORDS, (6, 12)), torch.randint(0, models.WORDS, (6, 8))
    runs = {
        "bilstm": (models.BiLSTMTagger(), ids),
        "elmo": (models.ELMo(), torch.randint(0, 100, (6, 7, 9))),
        "resnet": (models.ResNet50(), torch.randn(4, 3, 64, 64)),
        "unet": (models.UNet(), torch.randn(4, 3, 32, 32)),
        "bert": (transformers.Bert(), ids),
        "gpt2": (transformers.GPT2(), ids),
        "t5": (transformers.T5(), (ids, answers)),
        "densenet": (transformers.DenseNet(), torch.randn(4, 3, 16, 16)),
    }
    FOLDER.mkdir(exist_ok=True)
    for name, (model, inputs) in runs.items():
        report = shapewidget.probe(model, inputs)
        traits = {
            "graph": wire_graph(report),
            "tensors": wire_tensors(report.graph),
            "sizes": dict(report.graph.sizes),
        }
        (FOLDER / f"{name}.state").write_bytes(zlib.compress(json.dumps(traits, ensure_ascii=False).encode(), 9))


if __name__ == "__main__":
    write()
