"""The reference models run, their broken twins fail where they say, and no framework is imported unasked."""

import subprocess
import sys

import pytest
import torch

from shapewidget import zoo

SOUND = ("BiLSTMTagger", "ELMoLike")
BROKEN = {"BrokenBiLSTMTagger": "head", "BrokenELMoLike": "second"}


def test_zoo_lists_its_models():
    assert dir(zoo) == sorted(zoo.__all__) == sorted((*SOUND, *BROKEN))


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
