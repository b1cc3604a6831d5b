import pytest

from shapewidget.graph.records import Declared, Layer, LayerKind
from shapewidget.notebook.signature import LONGEST, signature


def layer(sizes=(), kind=LayerKind.LAYER, **settings):
    declared = tuple(Declared(name, size) for name, size in sizes)
    return Layer("it", kind, "it", "It", declared=declared, settings=settings)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (layer([("in_features", 256), ("out_features", 128)]), "256 → 128"),
        (
            layer([("input_size", 256), ("hidden_size", 256), ("num_layers", 1)], bidirectional=True, batch_first=True),
            "256 → 256, bidirectional",
        ),
        (layer([("input_size", 8), ("hidden_size", 16), ("num_layers", 2)], bidirectional=False), "8 → 16, 2 layers"),
        (
            layer([("in_channels", 3), ("out_channels", 64)], kernel_size=(7, 7), stride=(2, 2), groups=1),
            "3 → 64, 7×7, /2",
        ),
        (
            layer([("in_channels", 8), ("out_channels", 8)], kernel_size=(3,), stride=(1,), groups=8),
            "8 → 8, 8 groups, 3",
        ),
        (layer(kernel_size=2, stride=(2, 1)), "2, /2×1"),
        (layer([("num_embeddings", 5000), ("embedding_dim", 128)]), "5000 → 128"),
        (layer([("embed_dim", 512), ("num_heads", 8)]), "512, 8 heads"),
        (layer([("normalized_shape", 4), ("normalized_shape", 16)]), "4×16"),
        (layer(p=0.1), "p=0.1"),
        (layer(units=64), "64"),
        (layer(output_size=(1, 1)), "1×1"),
        (layer(), ""),
        (layer([("in_features", 2), ("out_features", 3)], LayerKind.GROUP), ""),
        (layer((), LayerKind.OPERATION, **{"1": -1, "2": 512, "dim": 1}), "-1, 512, dim=1"),
    ],
)
def test_signature_says_the_sizes(given, expected):
    assert signature(given) == expected


def test_signature_of_many_arguments_is_cut():
    text = signature(layer((), LayerKind.OPERATION, **{str(place): 10**6 + place for place in range(50)}))
    assert len(text) == LONGEST
    assert text.endswith("…")
