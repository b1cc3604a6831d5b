"""The counter of torch loads triton, and triton ends the process where TensorFlow was loaded before it."""

import importlib.util
import subprocess
import sys
from types import ModuleType

import pytest
import torch

from shapewidget.frameworks.torch import flops


def product() -> torch.Tensor:
    return torch.ones(2, 3) @ torch.ones(3, 4)


@pytest.fixture
def triton(monkeypatch):
    """An installed triton that is not loaded yet."""
    monkeypatch.delitem(sys.modules, "triton", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name == "triton" else None)
    return monkeypatch


def test_nothing_is_counted_where_triton_would_be_loaded_after_tensorflow(triton):
    triton.setitem(sys.modules, "tensorflow", ModuleType("tensorflow"))
    assert flops.counted(product) is None


def test_they_can_be_counted_where_triton_came_first(triton):
    triton.setitem(sys.modules, "tensorflow", ModuleType("tensorflow"))
    triton.setitem(sys.modules, "triton", ModuleType("triton"))
    assert flops.can_count()


def test_they_can_be_counted_without_tensorflow(triton):
    triton.delitem(sys.modules, "tensorflow", raising=False)
    assert flops.can_count()


def test_operations_are_counted():
    assert flops.counted(product) == 2 * 2 * 3 * 4


def test_the_adapter_loads_no_counter():
    code = "import sys, shapewidget.frameworks.torch.adapter; print('torch.utils.flop_counter' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
