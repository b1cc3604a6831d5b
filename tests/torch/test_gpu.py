"""Costs on a real NVIDIA GPU; what needs none is in `test_measure_cuda.py`."""

import pytest
import torch
from torch import nn

from shapewidget import zoo
from shapewidget.frameworks.adapter import Effort
from shapewidget.frameworks.slices import finished
from shapewidget.probing.largest import searching
from shapewidget.probing.session import Session
from shapewidget.probing.sweep import sweep

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU")

BEYOND = 2**22
"""A batch that no GPU takes."""


@pytest.fixture
def tagger():
    """A BiLSTM tagger on the GPU, with its batch."""
    return zoo.BiLSTMTagger(vocab=60, emb=64, hidden=128).cuda(), torch.randint(0, 60, (16, 64), device="cuda")


def learnt(model, inputs):
    costs = Session(model, inputs).costs
    costs.measure({})
    finished(costs.learning())
    return costs


def test_a_gpu_tells_time_memory_and_what_it_holds(tagger):
    point = Session(*tagger).costs.measure({})
    assert (point.device, point.refusal) == ("cuda:0", "")
    assert 0 < point.forward.median < point.step.median
    assert point.forward.cpu is point.step.cpu is None
    assert sum(part.median for part in point.parts) == pytest.approx(point.step.median, rel=0.5)
    assert not point.memory.is_estimate
    assert 0 < point.memory.forward_peak < point.memory.peak <= point.memory.reserved
    assert point.flops > 0
    assert point.layers["lstm"].memory > point.layers["head"].memory


def test_the_profiler_tells_the_same_peak_as_the_allocator(tagger):
    point = Session(*tagger).costs.measure({}, Effort.BYTES)
    live = peak = 0
    for segment in point.step_timeline:
        peak, live = max(peak, live + segment.peak), live + segment.net
    assert peak == pytest.approx(point.memory.peak - point.memory.parameters - point.memory.optimizer_state
                                 - point.memory.inputs, rel=0.02)  # fmt: skip


def test_memory_with_the_reserve_of_cudnn_is_predicted_at_sizes_that_were_not_run(tagger):
    costs = learnt(*tagger)
    for sizes in ({"B": 64}, {"T": 256}, {"hidden": 256}):
        said, measured = costs.predict(sizes).peak, costs.measure(sizes, Effort.BYTES).memory
        assert said.value == pytest.approx(measured.peak, rel=0.08), sizes


def test_a_real_lack_of_memory_is_a_point_and_the_session_goes_on(tagger):
    costs = Session(*tagger).costs
    before = torch.cuda.memory_allocated()
    for effort in (Effort.BYTES, Effort.USUAL):
        point = costs.measure({"B": BEYOND, "T": 4096}, effort)
        assert not point.fits
        assert point.refusal.startswith("does not fit on cuda:0")
    assert torch.cuda.memory_allocated() == pytest.approx(before, abs=2**20)
    assert costs.measure({}).refusal == ""


def test_a_run_that_fits_up_to_its_backward_pass_is_a_point_too():
    class Wide(nn.Linear):
        def forward(self, x):
            return super().forward(x).exp().sin().exp()

    free, _ = torch.cuda.mem_get_info()
    rows = free // (4 * 8192 * 3)  # three of the four results that are kept fill the device
    point = Session(Wide(16, 8192).cuda(), torch.randn(4, 16, device="cuda")).costs.measure({"B": rows}, Effort.BYTES)
    assert not point.fits
    assert torch.cuda.memory_reserved() < free // 2


def test_the_largest_batch_that_fits_is_found_by_running(tagger):
    costs = learnt(*tagger)
    found = finished(searching(costs, {**costs.predictor.points[0].sizes, "T": 2048}, "B"))
    assert found.measured
    assert found.size > 16


def test_a_sweep_goes_on_behind_a_point_that_does_not_fit(tagger):
    swept = sweep(*tagger, batch_size=[8, BEYOND, 16], sequence_length=4096, progress=False)
    assert [point.fits for point in swept.points] == [True, False, True]
