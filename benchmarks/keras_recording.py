"""What recording a Keras model costs, as a multiple of its plain eager forward pass.

Every recorded run is paired with a plain run right before it; the median of the ratios is what counts.

    python benchmarks/keras_recording.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib import metadata
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from recording import measured, processor

from shapewidget import zoo
from shapewidget.frameworks.keras.adapter import KerasAdapter

BATCH, LENGTH, HIDDEN = 32, 50, 128
BUDGET = 1.2
RESULTS = Path(__file__).parent / "results" / "keras_recording.json"


def models() -> dict[str, tuple[keras.Model, np.ndarray]]:
    """Models with a batch each, all of them built."""
    ids = np.random.default_rng(0).integers(0, 5000, (BATCH, LENGTH))
    pictures = np.random.default_rng(0).normal(size=(16, 64, 64, 3)).astype("float32")
    tagger = zoo.KerasBiLSTMTagger(emb=HIDDEN, hidden=HIDDEN)
    tagger(ids)
    mobile = keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), classes=10)
    return {f"BiLSTM tagger {BATCH}x{LENGTH}x{HIDDEN}": (tagger, ids), "MobileNetV2 16x64x64": (mobile, pictures)}


def main() -> None:
    """Measure, print a table and write it to `benchmarks/results/keras_recording.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    tf.config.threading.set_intra_op_parallelism_threads(1)  # so that this thread's time is all of it
    tf.config.threading.set_inter_op_parallelism_threads(1)
    adapter, results = KerasAdapter(), {}
    print(f"{'median of paired rounds':32}{'ratio':>8}{'quartiles':>18}{'ms':>9}")
    for name, (model, inputs) in models().items():
        batch = adapter.batch(model, inputs, None, None, None)
        tools = {
            "shapewidget": lambda model=model, batch=batch: adapter.record(model, batch, None),
            "plain forward, again": lambda model=model, inputs=inputs: model(inputs),
        }
        results[name] = measured(tools["plain forward, again"], tools, rounds)
        for tool, result in results[name].items():
            spread = f"{result['lower']:.3f} to {result['upper']:.3f}"
            label = name if tool == "shapewidget" else f"  {tool}"
            print(f"{label:32}{result['ratio']:8.3f}{spread:>18}{1000 * result['seconds']:9.1f}")
    report = {
        "rounds": rounds,
        "budget": BUDGET,
        "results": results,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": processor(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("keras", "tensorflow-cpu")},
        },
    }
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
