"""Keras on PyTorch and on JAX is told of as it is on TensorFlow."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import pytest
from keras_everywhere import LARGER, PROGRAMS, told

TESTS = Path(__file__).parent.parent
BACKENDS = ("torch", "jax")


@cache
def on(backend):
    """What all programs tell on a backend, which has to be chosen before Keras is imported."""
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": paths}
    result = subprocess.run(
        [sys.executable, TESTS / "keras_everywhere.py"], capture_output=True, text=True, env=environment
    )
    assert not result.returncode, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@cache
def on_tensorflow():
    return told(PROGRAMS | LARGER)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_backend_gives_what_tensorflow_gives(name, backend):
    assert on(backend)[name] == on_tensorflow()[name]


@pytest.mark.parametrize("name", LARGER)
def test_pytorch_gives_what_tensorflow_gives(name):
    assert on("torch")[name] == on_tensorflow()[name]


def test_programs_tell_what_they_are_there_for():
    told = on_tensorflow()
    assert [each[0] for each in told["built_with_mistakes"]["findings"]] == ["SW112", "SW201"]
    assert told["fitted_on_pairs"]["findings"][0][0] == told["pairs_are_told_in_the_loss"]["findings"][0][0] == "SW302"
    assert told["explained_from_the_error"]["findings"][0][3] is True
    assert told["left_as_found"] is True
    assert told["batches_are_followed"] == [[[4, 5], [4, 1]], [[4, 5], [4, 1]], [[3, 5]]]
    assert all(told[name]["findings"] == [] for name in (*LARGER, "Perceptron", "Attention", "Nested"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_probing_loads_no_other_framework(backend):
    assert on(backend)["loaded"] == on(backend)["imported"]
    assert "tensorflow" not in on(backend)["loaded"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_operations_of_the_framework_below_are_seen(backend):
    kinds = [(id_, *outputs) for id_, kind, *outputs in on(backend)["native"]["layers"] if kind == "operation"]
    assert kinds == [("index", "(B, width)"), ("gelu", "(B, width)"), ("add", "(B, width)")]


@pytest.mark.parametrize("backend", BACKENDS)
def test_time_is_measured_and_memory_is_said_not_to_be(backend):
    assert on(backend)["costs"] == {
        "timed": [True, True],
        "refusal": f"Memory is not measured: Keras tells no bytes on {backend}.",
    }


def test_these_tests_run_on_tensorflow_themselves():
    assert keras.config.backend() == "tensorflow"
