from shapewidget.graph.records import Layer, LayerGraph, LayerKind
from shapewidget.notebook.layer_plots import MOST_BARS, layers_figure


def graph(*costs):
    layers = [
        Layer(f"layer{place}", LayerKind.LAYER, "", "Linear", memory=memory, time=time)
        for place, (memory, time) in enumerate(costs)
    ]
    return LayerGraph((Layer("all", LayerKind.GROUP, "", "Net", memory=10**9, time=9.0), *layers), ())


def test_layers_have_two_bars_in_the_order_in_which_they_run():
    memory, time = layers_figure(graph((2048, 0.001), (1024, 0.004))).data
    assert list(memory.y) == ["layer0", "layer1"]
    assert list(memory.text) == ["2.00 KiB", "1.00 KiB"]
    assert list(memory.x) == [-1, -0.5]
    assert list(time.x) == [0.25, 1]


def test_the_selected_layer_stands_out_and_is_there():
    costs = [(1000 - place, 0.001) for place in range(MOST_BARS + 5)]
    last = f"layer{MOST_BARS + 4}"
    memory, _ = layers_figure(graph(*costs), last).data
    assert len(memory.y) == MOST_BARS + 1
    assert memory.marker.opacity[-1] == 1.0
    assert set(memory.marker.opacity[:-1]) == {0.35}


def test_without_a_measurement_there_is_no_figure():
    assert layers_figure(LayerGraph((Layer("a", LayerKind.LAYER, "a", "Linear"),), ())) is None
