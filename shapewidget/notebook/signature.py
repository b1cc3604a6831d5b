"""The declared sizes of a layer in the few characters that fit under its name: "3 → 64, 7×7, /2"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shapewidget.graph.records import Layer, LayerKind

WIDTHS = (
    ("in_features", "out_features"),
    ("in_channels", "out_channels"),
    ("input_size", "hidden_size"),
    ("num_embeddings", "embedding_dim"),
    ("input_dim", "output_dim"),
)
"""Arguments that say what a layer makes of what, in the words of the frameworks."""

WIDTH = ("units", "filters", "num_features", "num_channels", "embed_dim", "normalized_shape", "output_size")
"""Arguments that say the one width of a layer which declares no pair."""

LONGEST = 48


def signature(layer: Layer) -> str:
    """The declared sizes of a layer, or the arguments of an operation; empty where there is nothing to say."""
    if layer.kind is LayerKind.GROUP:
        return ""
    parts = _arguments(layer.settings) if layer.kind is LayerKind.OPERATION else _declared(layer)
    text = ", ".join(parts)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _arguments(settings: Mapping[str, object]) -> Iterator[str]:
    """Positional arguments stand under their place, "1": they are printed without it."""
    for name, value in settings.items():
        yield str(value) if name.isdigit() else f"{name}={value}"


def _declared(layer: Layer) -> Iterator[str]:
    known: dict[str, object] = {}
    for size in layer.declared:
        known[size.name] = f"{known[size.name]}×{size.size}" if size.name in known else size.size
    known |= layer.settings
    pair = next((pair for pair in WIDTHS if known.keys() >= set(pair)), None)
    if pair is not None:
        yield f"{known[pair[0]]} → {known[pair[1]]}"
    else:
        yield from (_times(known[name]) for name in WIDTH if name in known)
    if known.get("bidirectional") is True:
        yield "bidirectional"
    for name, one, word in (("num_layers", 1, "layers"), ("num_heads", 0, "heads"), ("groups", 1, "groups")):
        count = known.get(name)
        if isinstance(count, int) and count > one:
            yield f"{count} {word}"
    if "kernel_size" in known:
        yield _times(known["kernel_size"])
    strides = _sizes(known.get("stride", 1))
    if set(strides) != {1}:
        yield f"/{_times(strides if len(set(strides)) > 1 else strides[0])}"
    if "p" in known:
        yield f"p={known['p']}"


def _sizes(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _times(value: object) -> str:
    """(7, 7) as "7×7"."""
    return "×".join(map(str, _sizes(value)))
