"""What is predicted of real models holds where they are run."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from shapewidget import zoo
from shapewidget.errors import InputError
from shapewidget.frameworks.adapter import Effort
from shapewidget.frameworks.slices import finished
from shapewidget.graph.costs import Measurement, StepParts, Timing
from shapewidget.probing import costs as costs_module
from shapewidget.probing.largest import largest_predicted, searching
from shapewidget.probing.predictor import Predictor
from shapewidget.probing.session import Session


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Attention(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embedding = nn.Embedding(50, width)
        self.encoder = nn.TransformerEncoderLayer(width, 4, 2 * width, batch_first=True)
        self.head = nn.Linear(width, 5)

    def forward(self, tokens):
        return self.head(self.encoder(self.embedding(tokens)))


def learnt(model, inputs):
    session = Session(model, inputs)
    session.costs.measure({}, Effort.BRIEF)
    for _ in session.costs.learning():
        pass
    return session.costs


def test_nothing_is_predicted_before_anything_ran():
    costs = Session(zoo.BiLSTMTagger(), torch.randint(0, 50, (4, 8))).costs
    prediction = costs.predict({"B": 64})
    assert (prediction.memory, prediction.peak, prediction.forward, prediction.step) == (None, None, None, None)


def test_one_run_tells_nothing_of_other_sizes():
    costs = Session(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), torch.randint(0, 50, (4, 8))).costs
    costs.measure({}, Effort.BRIEF)
    prediction = costs.predict({"B": 64})
    assert (prediction.memory, prediction.peak, prediction.forward, prediction.step) == (None, None, None, None)


@pytest.mark.parametrize(
    ("model", "width"),
    [(lambda: zoo.BiLSTMTagger(vocab=50, emb=40, hidden=64), "hidden"), (Attention, "width")],
    ids=["bilstm", "attention"],
)
def test_memory_is_predicted_at_sizes_that_were_not_run(model, width):
    costs = learnt(model(), torch.randint(0, 50, (8, 24)))
    for sizes in ({"B": 32}, {"T": 96}, {width: 128}, {"B": 3, "T": 50, width: 96}):
        said, measured = costs.predict(sizes), costs.measure(sizes, Effort.BYTES).memory
        assert said.peak.value == pytest.approx(measured.peak, rel=0.04), sizes
        assert said.memory.parameters == measured.parameters
        assert said.memory.optimizer_state == measured.optimizer_state
        assert said.memory.peak == pytest.approx(said.peak.value, abs=3)


def test_the_bytes_of_every_layer_are_predicted_at_sizes_that_were_not_run():
    costs = Session(zoo.BiLSTMTagger(vocab=50, emb=40, hidden=64), torch.randint(0, 50, (8, 24))).costs
    costs.measure({})
    assert costs.predict_layers({"B": 32}) == {}
    for _ in costs.learning():
        pass
    for sizes in ({"B": 32}, {"T": 96}, {"B": 3, "T": 50, "hidden": 96}):
        said, measured = costs.predict_layers(sizes), costs.measure(sizes, Effort.BYTES).layers
        assert said.keys() == measured.keys() >= {"embedding", "lstm", "head"}
        assert [cost.memory for cost in said.values()] == pytest.approx(
            [measured[id_].memory for id_ in said], rel=0.04
        ), sizes


def test_a_layer_takes_the_share_of_the_time_that_it_had_where_it_was_measured():
    costs = learnt(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), torch.randint(0, 50, (4, 8)))
    point = costs.measure({"B": 8})
    said = costs.predict_layers({"B": 64})
    slower = costs.predict({"B": 64}).forward.value / point.forward.median
    assert said["lstm"].time == pytest.approx(point.layers["lstm"].time * slower)
    assert costs.predict_layers({"B": 8})["lstm"] == pytest.approx(point.layers["lstm"])


def test_a_measured_point_is_predicted_as_it_was_measured():
    costs = learnt(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), torch.randint(0, 50, (4, 8)))
    point = costs.measure({"B": 16})
    said = costs.predict({"B": 16})
    assert said.peak.value == pytest.approx(point.memory.peak)
    assert said.step.value == pytest.approx(point.step.median)
    assert said.step.lower == said.step.upper


def test_time_has_a_band_and_grows_with_every_size():
    graph = Session(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=32), torch.randint(0, 50, (4, 16))).report.graph
    own = {"B": 8, "T": 32, "hidden": 128}

    def run(sizes, effort=None):
        yield
        seconds = 1e-3 + 2e-6 * sizes["T"] + 3e-10 * sizes["B"] * sizes["T"] * sizes["hidden"] ** 2
        timing = Timing(3 * seconds, seconds, 4 * seconds, 5, cpu=seconds)  # the machine is busy
        return Measurement(sizes, "cpu", timing, timing, None)

    predictor = Predictor(own, ("B", "T", "hidden"), graph, step={})
    predictor.add(finished(run(own)))
    for _ in predictor.learning(run, int):
        pass
    here = predictor.at(own).step.value
    assert here == pytest.approx(next(iter(predictor.points)).step.median)
    for sizes in ({"B": 64}, {"T": 256}, {"hidden": 1024}):
        step = predictor.at({**own, **sizes}).step
        assert step.lower < step.value < step.upper
        assert step.value > 1.5 * here


def test_there_are_predictions_after_three_runs_and_better_ones_after_more():
    session = Session(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=32), torch.randint(0, 50, (4, 32)))
    costs, told = session.costs, []

    def note():
        told.append((len(costs.predictor.probes), costs.predict({"B": 8})))

    costs.measure({}, Effort.BRIEF)
    for _ in costs.learning(note):
        pass
    runs, predictions = zip(*told, strict=True)
    assert runs[0] == 3
    assert predictions[0].step.lower < predictions[0].step.value < predictions[0].step.upper
    assert runs[-1] == len(costs.predictor.probes)
    widths = [said.peak.upper / said.peak.lower for said in predictions if said.peak is not None]
    assert widths[0] > 1.5 > 1.1 > widths[-1]


def test_a_prediction_never_fits_a_law(monkeypatch):
    costs = learnt(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), torch.randint(0, 50, (4, 8)))
    costs.measure({"B": 16}, Effort.BRIEF)
    monkeypatch.setattr(costs.predictor, "_fitting", None)
    assert costs.predict({"B": 32}).peak is not None


def test_a_run_whose_fit_was_cut_short_counts_from_the_next_one_on():
    costs = learnt(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), torch.randint(0, 50, (4, 8)))
    before = costs.predict({"B": 64})
    point = costs.measure({"B": 64}, Effort.BRIEF)
    cut = learnt(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), torch.randint(0, 50, (4, 8))).predictor
    slices = cut.adding(point)
    next(slices)
    slices.close()
    assert cut.at(point.sizes).peak.value == pytest.approx(before.peak.value)
    for _ in cut.learning(None, lambda: None):
        pass
    assert cut.at(point.sizes).peak.value == pytest.approx(point.memory.peak)


def test_the_parts_of_a_step_follow_laws_of_their_own():
    graph = Session(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=32), torch.randint(0, 50, (4, 16))).report.graph
    own = {"B": 8, "T": 64, "hidden": 64}

    def seconds(sizes):
        work = sizes["B"] * sizes["T"] * sizes["hidden"] ** 2
        return 1e-4 + 1e-10 * work, 2e-4 + 2e-10 * work, 1e-4 + 2e-7 * sizes["hidden"] ** 2

    def run(sizes, effort=None):
        yield
        parts = [Timing(part, part, part, 5, cpu=part) for part in seconds(sizes)]
        step = sum(seconds(sizes))
        timing = Timing(step, step, step, 5, cpu=step)
        return Measurement(sizes, "cpu", parts[0], timing, None, parts=StepParts(*parts))

    predictor = Predictor(own, ("B", "T", "hidden"), graph, step={})
    predictor.add(finished(run(own)))
    for _ in predictor.learning(run, int):
        pass
    for sizes in ({"B": 32}, {"T": 256}, {"hidden": 256}, {"B": 2, "hidden": 256}):
        assert predictor.at({**own, **sizes}).step.value == pytest.approx(sum(seconds({**own, **sizes})), rel=0.01)


def test_time_that_grows_with_the_square_of_the_sequence_is_seen_coming():
    graph = Session(Attention(), torch.randint(0, 50, (4, 16))).report.graph
    own = {"B": 16, "T": 64, "width": 32}

    def seconds(sizes):
        return 1e-3 + 1e-8 * sizes["B"] * sizes["T"] * (sizes["width"] ** 2 + 50 * sizes["T"])

    def run(sizes, effort=None):
        yield
        timing = Timing(seconds(sizes), seconds(sizes), seconds(sizes), 5, cpu=seconds(sizes))
        return Measurement(sizes, "cpu", timing, timing, None)

    predictor = Predictor(own, ("B", "T", "width"), graph, step={})
    predictor.add(finished(run(own)))
    for _ in predictor.learning(run, int):
        pass
    assert predictor.at({**own, "T": 512}).step.value == pytest.approx(seconds({**own, "T": 512}), rel=0.02)


def test_the_band_of_time_is_as_wide_as_runs_scatter():
    graph = Session(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=32), torch.randint(0, 50, (4, 16))).report.graph
    own = {"B": 8, "T": 64, "hidden": 64}

    def band(scatter):
        runs = []

        def run(sizes, effort=None):
            yield
            runs.append(sizes)
            seconds = (1e-3 + 1e-9 * sizes["B"] * sizes["T"] * sizes["hidden"] ** 2) * scatter ** (len(runs) % 4 < 2)
            timing = Timing(seconds, seconds, seconds, 5, cpu=seconds)
            return Measurement(sizes, "cpu", timing, timing, None)

        predictor = Predictor(own, ("B", "T", "hidden"), graph, step={})
        predictor.add(finished(run(own)))
        for _ in predictor.learning(run, int):
            pass
        said = predictor.at({**own, "B": 16}).step
        return said.upper / said.value - 1

    assert band(1.0) < 0.5 * band(1.5)


def test_what_was_learnt_is_there_in_the_next_session(monkeypatch, tmp_path):
    monkeypatch.setenv("SHAPEWIDGET_CACHE", str(tmp_path))
    model, inputs = zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), torch.randint(0, 50, (4, 8))
    before = learnt(model, inputs).predict({"B": 64}).peak.value
    again = Session(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), inputs).costs
    assert again.predict({"B": 64}).peak.value == pytest.approx(before, rel=0.1)  # set right by no point of its own
    other = Session(zoo.BiLSTMTagger(vocab=50, emb=24, hidden=16), inputs).costs
    assert other.predict({"B": 64}).peak is None


def test_a_damaged_cache_is_as_good_as_none(monkeypatch, tmp_path):
    monkeypatch.setenv("SHAPEWIDGET_CACHE", str(tmp_path))
    model, inputs = zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), torch.randint(0, 50, (4, 8))
    learnt(model, inputs)
    (kept,) = tmp_path.iterdir()
    kept.write_text('[{"sizes": {}}]')
    assert Session(model, inputs).costs.predict({"B": 64}).peak is None


class TestLimits:
    @pytest.fixture
    def costs(self, monkeypatch):
        costs = learnt(zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), torch.randint(0, 50, (4, 8)))
        capacity = round(costs.predict({"B": 200}).peak.value)
        monkeypatch.setattr(costs_module.Costs, "capacity", property(lambda _: capacity))
        return costs

    def test_the_largest_size_is_predicted_at_once(self, costs):
        found = largest_predicted(costs, {}, "B")
        assert found.size in (199, 200, 201)
        assert not found.measured

    def test_a_size_that_always_fits_has_no_largest(self, costs, monkeypatch):
        monkeypatch.setattr(costs_module.Costs, "capacity", property(lambda _: 2**100))
        assert largest_predicted(costs, {}, "B").is_endless

    @pytest.mark.parametrize("size", [0, -4, 2.5, float("nan"), float("inf"), "8", True, None])
    def test_what_is_no_size_is_refused_before_anything_is_predicted(self, costs, size):
        with pytest.raises(InputError, match=r"is no size\. Expected a whole number of at least 1, such as 4"):
            costs.predict({"B": size})
        with pytest.raises(InputError, match="is no size"):
            costs.measure({"B": size})

    def test_a_size_of_another_model_is_refused_with_the_names_of_this_one(self, costs):
        with pytest.raises(InputError, match=r"There is no size 'layers' here\. Expected one of .*hidden"):
            largest_predicted(costs, {}, "layers")

    def test_a_size_that_cannot_fit_is_predicted_and_never_run(self, costs, monkeypatch):
        monkeypatch.setattr(costs, "_run", None)
        assert costs.predict({"B": 10**8}).peak.value > 2**38
        assert "It was not run" in costs.measure({"B": 10**8}).refusal

    @pytest.mark.parametrize("size", [10**9, 10**30])
    def test_an_absurd_size_is_refused_in_words(self, costs, size):
        for ask in (costs.predict, costs.measure, lambda sizes: largest_predicted(costs, sizes, "T")):
            with pytest.raises(InputError, match=r"B = 1,000,.* is larger than any .* Expected at most 100,000,000\."):
                ask({"B": size})

    def test_the_search_runs_on_both_sides_of_it(self, costs):
        found = finished(searching(costs, {}, "B"))
        assert found.measured
        fitting = costs.measure({"B": found.size}, Effort.BYTES).memory.peak
        beyond = costs.measure({"B": round(found.size * 1.03) + 1}, Effort.BYTES).memory.peak
        assert fitting <= found.capacity < beyond

    def test_nothing_is_run_that_would_swap(self, costs, monkeypatch):
        monkeypatch.setattr(costs._adapter, "room", lambda model: 2**20, raising=False)
        monkeypatch.setattr(costs, "_run", None)
        point = costs.measure({"B": 4000})
        assert not point.fits
        assert "It was not run" in point.refusal
        assert (point.forward, point.memory) == (None, None)
