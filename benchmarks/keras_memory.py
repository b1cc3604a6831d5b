"""How the estimate of a Keras training step's memory compares with what the process really takes on a CPU.

TensorFlow tells no peak of a CPU, but the system tells that of a process. Each batch size has its own process. From
the smaller batch to the larger one the estimate and the peak grow by some bytes, and the ratio of these is written: it
leaves out what the process takes at any size, as the framework, the graph that is traced, the weights.

    python benchmarks/keras_memory.py
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "keras_memory.json"
BATCHES = (32, 128)
MODELS = ("MLP", "CNN", "BiLSTM tagger")


def grown(name: str) -> dict[str, float]:
    """Bytes by which the peak and the estimate grow from the smaller batch to the larger one, and their ratio."""
    points = []
    for batch in BATCHES:
        command = [sys.executable, __file__, name, str(batch)]
        made = subprocess.run(command, capture_output=True, text=True, check=True)
        points.append(json.loads(made.stdout.splitlines()[-1]))
    growth = {key: points[1][key] - points[0][key] for key in ("peak", "estimate")}
    return {**growth, "ratio": growth["estimate"] / growth["peak"]}


def one(name: str, batch: int) -> dict[str, int]:
    """The estimate of a training step, and the peak of this process over a few of them."""
    import resource

    import numpy as np

    import shapewidget

    model, inputs = _model(name, batch)
    model.compile("adam", "mse")
    targets = np.zeros(model(inputs[:2]).shape[1:], "float32")
    targets = np.broadcast_to(targets, (batch, *targets.shape))
    for _ in range(3):
        model.train_on_batch(inputs, targets)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = shapewidget.probe(model, inputs).session.costs.measure({}).memory
    return {"peak": 1024 * peak, "estimate": memory.peak}


def _model(name: str, batch: int) -> tuple[object, object]:
    import keras
    import numpy as np
    from keras import layers

    from shapewidget import zoo

    drawn = np.random.default_rng(0)
    if name == "BiLSTM tagger":
        return zoo.KerasBiLSTMTagger(emb=128, hidden=256), drawn.integers(0, 5000, (batch, 100))
    if name == "CNN":
        steps = [
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
        ]
        made = keras.Sequential([keras.Input((64, 64, 3)), *steps, layers.Flatten(), layers.Dense(10)])
        return made, drawn.normal(size=(batch, 64, 64, 3)).astype("float32")
    made = keras.Sequential([keras.Input((256, 512)), *(layers.Dense(512, activation="relu") for _ in range(6))])
    return made, drawn.normal(size=(batch, 256, 512)).astype("float32")


def main() -> None:
    """Measure, print a table and write it to `benchmarks/results/keras_memory.json`."""
    if len(sys.argv) > 1:
        print(json.dumps(one(sys.argv[1], int(sys.argv[2]))))
        return
    results = {}
    for name in MODELS:
        results[name] = grown(name)
        print(f"{name:16}{results[name]['ratio']:8.2f}{results[name]['peak'] / 2**20:10.0f} MiB")
    machine = {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("keras", "tensorflow-cpu")},
    }
    RESULTS.write_text(json.dumps({"batches": BATCHES, "results": results, "machine": machine}, indent=2) + "\n")


if __name__ == "__main__":
    main()
