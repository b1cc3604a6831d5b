"""No finding above a note is made of a correct program: a false alarm is worse than a miss."""

from __future__ import annotations

import clean_programs
import hf_models
import pytest
import torch

import shapewidget
from shapewidget.diagnosis.findings import Severity


def alarms(report):
    assert report.stopped is None
    return [(it.code, it.layer, it.reason) for it in report.findings if it.severity is not Severity.NOTE]


@pytest.mark.parametrize("name", clean_programs.PROGRAMS)
def test_probe_raises_no_alarm_of_a_correct_program(name):
    torch.manual_seed(0)
    model, inputs, more = clean_programs.PROGRAMS[name]()
    assert alarms(shapewidget.probe(model, inputs, **more)) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", hf_models.MODELS)
def test_probe_raises_no_alarm_of_a_published_model(name):
    torch.manual_seed(0)
    model, inputs = hf_models.MODELS[name]()
    assert alarms(shapewidget.probe(model, inputs)) == []
