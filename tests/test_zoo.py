"""The reference models run, their broken twins fail where they say, and no framework is imported unasked."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import shapewidget
from shapewidget import zoo

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
IDS, SERIES = np.arange(28).reshape(4, 7) % 50, np.ones((4, 7, 2), "float32")
SOUND = ("BiLSTMTagger", "ELMoLike")
BROKEN = {"BrokenBiLSTMTagger": "head", "BrokenELMoLike": "second"}


KERAS_SOUND = {"KerasBiLSTMTagger": (IDS, (4, 7, 3)), "KerasGRUClassifier": (SERIES, (4, 3))}
KERAS_BROKEN = {"BrokenKerasBiLSTMTagger": (IDS, "head"), "BrokenKerasGRUClassifier": (SERIES, "lower")}


def keras_model(name):
    sizes = {"vocab": 50, "emb": 6, "tags": 3} if "Tagger" in name else {"classes": 3}
    return getattr(zoo, name)(hidden=5, **sizes)


@pytest.mark.parametrize("name", KERAS_SOUND)
def test_keras_model_gives_its_scores(name):
    inputs, shape = KERAS_SOUND[name]
    assert tuple(keras_model(name)(inputs).shape) == shape


@pytest.mark.parametrize("name", KERAS_BROKEN)
def test_broken_keras_model_is_explained_at_its_layer(name):
    inputs, layer = KERAS_BROKEN[name]
    model = keras_model(name)
    with pytest.raises(ValueError, match=r"incompatible|ndim"):
        model(inputs)
    found = shapewidget.probe(model, inputs).findings
    assert [each.layer for each in found] == [layer]


def test_zoo_lists_its_models():
    assert dir(zoo) == sorted(zoo.__all__) == sorted((*SOUND, *BROKEN, *KERAS_SOUND, *KERAS_BROKEN))


@pytest.mark.parametrize("name", SOUND)
def test_model_scores_every_token(name):
    model = getattr(zoo, name)(vocab=50, emb=6, hidden=5, tags=3)
    assert model(torch.randint(0, 50, (4, 7))).shape == (4, 7, 3)


@pytest.mark.parametrize(("name", "layer"), BROKEN.items())
def test_broken_model_fails_at_one_layer_only(name, layer):
    broken, sound = (
        getattr(zoo, each)(vocab=50, emb=6, hidden=5, tags=3) for each in (name, name.removeprefix("Broken"))
    )
    ids = torch.randint(0, 50, (4, 7))
    with pytest.raises(RuntimeError):
        broken(ids)
    setattr(broken, layer, getattr(sound, layer))
    assert broken(ids).shape == (4, 7, 3)


def test_missing_model_is_told_with_those_that_there_are():
    with pytest.raises(AttributeError, match=r"no model 'BERT'. It has BiLSTMTagger, .*ELMoLike"):
        zoo.BERT  # noqa: B018  # asking for it is what fails


def test_zoo_imports_torch_when_a_model_is_asked_for():
    script = """
import sys
from shapewidget import zoo
dir(zoo)
print("torch" in sys.modules)
zoo.ELMoLike
print("torch" in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "True"]


def test_missing_framework_is_told_with_how_to_install_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "shapewidget.zoo.torch_models", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"needs torch.*pip install shapewidget\[torch\]"):
        zoo.ELMoLike  # noqa: B018  # asking for it is what fails
