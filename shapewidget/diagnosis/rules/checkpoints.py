"""Checkpoints whose weights have other shapes or names than those of the model."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.graph.records import Clash, ClashKind, Layer
from shapewidget.graph.remedies import Remedy, SetArgument

_PREFIXES = ("module.", "_orig_mod.", "model.")
"""What `DataParallel`, `torch.compile` and trainers put before every name."""


def checkpoint_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A model that raised when it was to take a checkpoint."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is not None and clash.kind is ClashKind.WEIGHTS:
            if "count" in layer.settings:
                yield _count(clash, layer)
            else:
                yield _shapes(clash, layer) if "key" in layer.settings else _names(clash, layer)


def _shapes(clash: Clash, layer: Layer) -> Diagnosis:
    key, model, path = layer.settings["key"], layer.settings["model"], str(layer.settings.get("path", ""))
    found = layer.settings.get("arguments")
    arguments = found if isinstance(found, tuple) else ()
    count = layer.settings["differing"]
    others = f" ({count} weights differ in all)" if isinstance(count, int) and count > 1 else ""
    axis = f": axis {clash.axis} differs" if clash.axis is not None else ""
    built = f" With {arguments[0][0]} = {arguments[0][1]} the model would have that shape." if arguments else ""
    holder = layer.settings.get("holder")
    held = f"{holder} for `{key}` is" if holder else f"The checkpoint holds `{key}` as"
    saved = "" if holder else " It was saved from a model of other sizes."
    reason = f"{held} {clash.got}, and this {model} has {clash.expected}{axis}{others}.{saved}{built}"
    fix = f"{model}({arguments[0][0]}={arguments[0][1]})" if arguments else "build the model with the saved sizes"
    remedies = [
        SetArgument(each, name, value) for name, value in arguments for each in dict.fromkeys((path, "")) if name
    ]
    return Diagnosis(
        finding_at(
            "SW801",
            layer,
            reason,
            fix=fix,
            axis=clash.axis,
            axis_name="weights",
            expected=clash.expected,
            got=clash.got,
        ),
        tuple(remedies),
    )


def _count(clash: Clash, layer: Layer) -> Diagnosis:
    reason = (
        f"{layer.settings['holder']} to `{layer.path}` has {clash.got}, and this {layer.type} has {clash.expected}."
    )
    fix = f"give a list of {clash.expected}, in the order of `{layer.name}.weights`"
    details = {"axis_name": "weights", "expected": clash.expected, "got": clash.got}
    return Diagnosis(finding_at("SW801", layer, reason, fix=fix, **details))


def _names(clash: Clash, layer: Layer) -> Diagnosis:
    missing, unknown = (layer.settings[name] for name in ("missing", "unknown"))
    assert isinstance(missing, tuple)
    assert isinstance(unknown, tuple)
    prefix = next((each for each in _PREFIXES if _is_prefixed(each, missing, unknown)), "")
    said = f" All its names begin with `{prefix}`, which the model's do not." if prefix else ""
    reason = (
        f"The checkpoint lacks {_listed(missing)} of this {layer.settings['model']} and holds {_listed(unknown)} that "
        f"it has not.{said}"
    )
    remedies: list[Remedy] = []
    operands = operands_of(layer)
    if prefix and operands is not None and len(operands) > 1:
        text = f"{{name.removeprefix({prefix!r}): value for name, value in {operands.text(1)}.items()}}"
        remedies.append(operands.edit({1: text}))
    fix = f"take the prefix {prefix!r} off the names" if prefix else "load it into the model that it was saved from"
    found = finding_at("SW802", layer, reason, fix=fix, axis_name="names", expected=clash.expected, got=clash.got)
    return Diagnosis(found, tuple(remedies))


def _is_prefixed(prefix: str, missing: tuple[str, ...], unknown: tuple[str, ...]) -> bool:
    return bool(missing) and sorted(prefix + name for name in missing) == sorted(unknown)


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return (", ".join(f"`{name}`" for name in names[:2]) or "nothing") + more
