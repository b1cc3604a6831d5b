"""The measurement on an NVIDIA GPU, on a stand-in for `torch.cuda`: what is asked of it, and in which order.

No GPU is needed: the model computes on the CPU, and believes that this is "cuda:0".
"""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from shapewidget.frameworks.adapter import Batch, Effort
from shapewidget.frameworks.slices import finished
from shapewidget.frameworks.torch import capacity, flops, measure
from shapewidget.frameworks.torch.adapter import TorchAdapter
from shapewidget.frameworks.torch.timing import CUDA_WARM_UPS
from shapewidget.probing.session import Session
from shapewidget.probing.sweep import sweep

MIB = 2**20


class Gpu:
    """Counts bytes and milliseconds as it is told to."""

    def __init__(self):
        self.asked = []
        self.milliseconds = 0.0
        self.allocated, self.most, self.reserved = 10 * MIB, 10 * MIB, 64 * MIB

    def work(self, mebibytes, milliseconds):
        self.most = max(self.most, self.allocated + mebibytes * MIB)
        self.milliseconds += milliseconds

    def reset_peak(self, device):
        self.asked.append("reset")
        self.most = self.allocated

    def peak(self, device):
        self.asked.append("peak")
        return self.most

    def synchronize(self, device=None):
        self.asked.append("wait")


@pytest.fixture
def gpu(monkeypatch):
    gpu = Gpu()

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self, stream=None):
            self.at = gpu.milliseconds

        def synchronize(self):
            gpu.asked.append("wait for event")

        def elapsed_time(self, end):
            return end.at - self.at

    class OnDevice:
        def __init__(self, device):
            assert str(device) == "cuda:0"

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    for name, stand_in in {
        "Event": Event,
        "device": OnDevice,
        "synchronize": gpu.synchronize,
        "current_stream": lambda device: "stream",
        "memory_allocated": lambda device: gpu.allocated,
        "memory_reserved": lambda device: gpu.reserved,
        "reset_peak_memory_stats": gpu.reset_peak,
        "max_memory_allocated": gpu.peak,
        "max_memory_reserved": lambda device: gpu.reserved,
        "mem_get_info": lambda device: (100 * MIB, 1000 * MIB),
        "is_initialized": lambda: True,
        "empty_cache": lambda: gpu.asked.append("empty cache"),
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(measure, "device_of", lambda model, batch: torch.device("cuda", 0))
    return gpu


class Net(nn.Linear):
    """Takes 3 MiB and 2 ms for a pass; its gradient hook 5 ms more."""

    gpu: SimpleNamespace

    def forward(self, x):
        Net.gpu.work(3, 2.0)
        outputs = super().forward(x)
        if outputs.requires_grad:
            outputs.register_hook(lambda _: Net.gpu.work(4, 5.0))
        return outputs


def measured(gpu, model=None, effort=Effort.BRIEF, **options):
    Net.gpu = gpu
    batch = Batch((torch.randn(2, 4),), targets=None)
    return finished(
        measure.measure(model or Net(4, 4), batch, loss=None, optimizer=None, sizes={}, effort=effort, **options)
    )


def test_events_of_the_gpu_are_the_clock(gpu):
    point = measured(gpu)
    assert point.refusal == ""
    assert point.device == "cuda:0"
    assert point.forward.median == pytest.approx(0.002)
    assert point.step.median == pytest.approx(0.007)
    assert [part.median for part in point.parts] == pytest.approx([0.002, 0.005, 0.0])
    assert point.forward.cpu is point.step.cpu is point.parts.forward.cpu is None
    assert point.step.repeats >= 3


def test_a_gpu_is_warmed_up_before_it_is_timed(gpu):
    point = measured(gpu)
    assert point.parts.forward.repeats >= point.step.repeats + CUDA_WARM_UPS


def test_the_peak_is_counted_from_a_reset_and_read_when_all_is_done(gpu):
    measured(gpu, effort=Effort.BYTES)
    told = [word for word in gpu.asked if word in ("reset", "peak", "wait")]
    assert told[:4] == ["wait", "reset", "wait", "peak"]
    assert told.count("reset") == told.count("peak") == 2  # of a forward pass, and of a training step


def test_the_allocator_tells_the_peak_and_what_it_holds(gpu):
    memory = measured(gpu, effort=Effort.BYTES).memory
    assert memory.how.startswith("Peak of torch.cuda.max_memory_allocated during the second training step")
    assert memory.peak == memory.parameters + memory.optimizer_state + 4 * MIB + memory.inputs
    assert memory.reserved == 64 * MIB
    assert not memory.is_estimate


def test_what_is_free_counts_what_pytorch_holds_unused(gpu):
    assert capacity.capacity_of(torch.device("cuda", 0)) == (100 + 64 - 10) * MIB


def test_a_lack_of_memory_is_a_point_and_is_cleaned_up(gpu):
    class Enormous(Net):
        def forward(self, x):
            if torch.is_grad_enabled():
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has 139 GiB")
            return super().forward(x)

    model = Enormous(4, 4)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    point = measured(gpu, model)
    assert not point.fits
    assert point.refusal.startswith("does not fit on cuda:0: 20.00 GiB more were asked for than there are")
    assert point.forward.median == pytest.approx(0.002)
    assert (point.step, point.memory) == (None, None)
    assert gpu.asked[-1] == "empty cache"
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert measured(gpu).refusal == ""  # the session goes on


def test_what_earlier_runs_reserved_is_given_back_before_a_peak_is_taken(gpu):
    measured(gpu)
    told = [word for word in gpu.asked if word in ("empty cache", "reset")]
    assert told[:4] == ["empty cache", "reset"] * 2


def test_the_best_of_a_device_is_not_known_where_its_product_has_no_room(monkeypatch):
    def raises(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 256.00 MiB.")

    monkeypatch.setattr(flops, "peak", raises)
    assert TorchAdapter().peak_flops(nn.Linear(2, 2)) is None


@pytest.fixture
def full(monkeypatch):
    """Batches of more than 8 samples find no room on the device."""
    resized = TorchAdapter.resized

    def raising(adapter, model, batch, sizes):
        if sizes["B"] > 8:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 160.00 GiB. GPU 0 has 139 GiB")
        return resized(adapter, model, batch, sizes)

    monkeypatch.setattr(TorchAdapter, "resized", raising)


def test_a_batch_that_finds_no_room_is_a_point_that_does_not_fit(full):
    costs = Session(nn.Linear(4, 4), torch.randn(2, 4)).costs
    point = costs.measure({"B": 64}, Effort.BYTES)
    assert not point.fits
    assert "160.00 GiB more were asked for than there are" in point.refusal
    assert costs.measure({"B": 8}, Effort.BYTES).fits  # the session goes on


def test_a_point_of_a_sweep_that_finds_no_room_does_not_fit(full):
    swept = sweep(nn.Linear(4, 4), torch.randn(2, 4), batch_size=[4, 64, 8], progress=False)
    assert [point.fits for point in swept.points] == [True, False, True]
    assert "does not fit on cpu" in swept.points[1].refusal


def test_an_error_of_another_kind_is_none_of_memory():
    assert capacity.shortage(RuntimeError("CUDA error: device-side assert triggered"), "cuda:0") == ""
