"""What the losses and metrics of Keras take for targets, and what they refused about them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras.src.losses.losses import LossFunctionWrapper
from keras.src.metrics.reduction_metrics import MeanMetricWrapper

from shapewidget.frameworks.keras.tensors import UNSEEN, is_symbolic, leaves, shape
from shapewidget.graph.records import Clash, ClashKind

IOU: Any = keras.metrics.IoU.__base__
"""What all metrics of overlap have in common."""

CLASS_IDS, ONE_HOT, SAME = "class ids", "one-hot", "same shape"
CLASS_IDS_OF_BOTH = "class ids of both"
LABELS = "label sequences"
_OF_STEPS = 3
"""Axes of scores for every step: samples, steps, classes."""
_OF_IDS = ("categoricalgeneralizedcrossentropy", "circle")
"""Losses that take one number for each sample, of a class or a group, though their names do not say so."""


def is_own(loss: Any) -> bool:
    """Whether Keras wrote the loss or metric, rather than the user."""
    function = loss.fn if isinstance(loss, LossFunctionWrapper) else getattr(loss, "_fn", type(loss))
    modules = getattr(function, "__module__", None) or "", type(loss).__module__
    return all(module.split(".")[0] == "keras" for module in modules)


def as_compiled(loss: Any) -> Any:
    """A loss as `compile` would call it: a function is given targets that Keras has aligned."""
    if isinstance(loss, keras.losses.Loss):
        return loss
    found = keras.losses.get(loss) if isinstance(loss, str) else loss
    return found if isinstance(found, keras.losses.Loss) else LossFunctionWrapper(found)


class AsGiven(LossFunctionWrapper):  # type: ignore[misc]  # Keras tells no types
    """A function of the user's that is handed targets and outputs as they are, as a loop of one's own does it."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss; Keras would make float numbers of the targets."""
        self._given = y_true
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """What the function gives; it is handed None in the place of targets that there are none of."""
        return self.fn(self._given if leaves(self._given) else None, y_pred)


def is_held(model: Any, loss: Any) -> bool:
    """Whether a loss or metric is one that a model was compiled with, or that was made of the name of one."""
    held = getattr(getattr(model, "_compile_loss", None), "_flat_losses", None) or ()
    metrics = getattr(getattr(model, "_compile_metrics", None), "metrics", None) or ()
    return any(each is loss for each in (*(each.loss for each in held), *metrics))


def arguments_of(args: Any, kwargs: Any) -> tuple[Any, Any, Any]:
    """Targets, outputs and weights of a call of a loss or metric."""
    named = dict(zip(("y_true", "y_pred", "sample_weight"), args, strict=False)) | dict(kwargs)
    return named.get("y_true"), named.get("y_pred"), named.get("sample_weight")


def name_of(loss: Any) -> str:
    """What a person calls it: "CategoricalCrossentropy", or the name of their own function."""
    if type(loss) in (LossFunctionWrapper, AsGiven, MeanMetricWrapper):
        return str(getattr(loss.fn if hasattr(loss, "fn") else loss._fn, "__name__", "loss"))
    return type(loss).__name__


def takes(loss: Any) -> str:
    """The form of targets that a loss or metric of Keras takes."""
    if isinstance(loss, IOU):
        return CLASS_IDS_OF_BOTH
    name = name_of(loss).lower().replace("_", "")
    if name == "ctc":
        return LABELS
    if name.startswith("sparse") or name in _OF_IDS:
        return CLASS_IDS
    return ONE_HOT if name.startswith("categorical") else SAME


def cuts_scores(metric: Any, outputs: Any) -> bool:
    """Whether a metric of class ids is given numbers between them."""
    if not metric.sparse_y_pred or isinstance(metric, keras.metrics.BinaryIoU) or is_symbolic(outputs):
        return False
    values = np.asarray(outputs)
    return values.dtype.kind == "f" and bool((values != np.floor(values)).any())


def wanted_shape(form: str, outputs: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of targets that goes with outputs."""
    return outputs[:-1] if form == CLASS_IDS else outputs


def fits(form: str, targets: tuple[int, ...], outputs: tuple[int, ...]) -> bool:
    """Whether targets have a form that Keras takes for outputs; it aligns (n,) with (n, 1) by itself."""
    if form == LABELS:
        return len(targets) == 2 and targets[:1] == outputs[:1]
    wanted = wanted_shape(form, outputs)
    return _without_one(targets) == _without_one(wanted) or (form == CLASS_IDS and targets == (*wanted, 1))


def _without_one(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return sizes[:-1] if len(sizes) > 1 and sizes[-1] == 1 else sizes


def counting(loss: Any, targets: Any, outputs: Any) -> dict[str, object]:
    """The setting of a loss whose targets are counted from 1; none where they are not."""
    return {"counts_from_one": True} if _counts_from_one(loss, targets, outputs) else {}


def _counts_from_one(loss: Any, targets: Any, outputs: Any) -> bool:
    """Whether targets hold no class 0, and a class of the number behind the last that there are outputs for."""
    given, made = leaves(targets), leaves(outputs)
    if len(given) != 1 or len(made) != 1 or UNSEEN in shape(made[0]) or not shape(made[0]) or is_symbolic(given[0]):
        return False
    values, form, classes = keras.ops.convert_to_numpy(given[0]), takes(loss), shape(made[0])[-1]
    if form == CLASS_IDS:
        return values.size > 0 and bool(values.min() == 1 and values.max() == classes)
    if form != ONE_HOT or values.ndim != len(shape(made[0])) or values.shape[-1] != classes + 1 or not values.size:
        return False
    return bool((values.max(-1) == 1).all() and not values[..., 0].any() and values[..., -1].any())


def odd_class(loss: Any, targets: Any, classes: int) -> int | None:
    """A class that there are no outputs for, the highest or the lowest; None where all have some, or are left out."""
    values = keras.ops.convert_to_numpy(targets)
    kept = values[values != getattr(loss, "ignore_class", None)]
    if kept.size and kept.max() >= classes:
        return int(kept.max())
    return int(kept.min()) if kept.size and kept.min() < 0 else None


def refused_by_loss(loss: Any, targets: Any, outputs: Any, weights: Any, values: Any, error: str) -> Clash:
    """What a loss refused.

    Args:
        loss: A loss of Keras's own.
        targets: As given.
        outputs: As given.
        weights: The sample weights; None without.
        values: The loss of every sample, where it came so far.
        error: Text of the error, kept for the record only.
    """
    if values is not None and weights is not None:
        return Clash("", ClashKind.SIZE, 2, None, values, shape(weights), error=error)
    given, made = leaves(targets), leaves(outputs)
    if len(given) != 1 or len(made) != 1:
        return Clash("", ClashKind.OTHER, error=error)
    form, sizes, out = takes(loss), shape(given[0]), shape(made[0])
    if form == LABELS and len(out) != _OF_STEPS:
        return Clash("", ClashKind.SIZE, 0, None, _OF_STEPS, len(out), error=error)
    if UNSEEN in out or not fits(form, sizes, out):
        kind = ClashKind.SIZE
        return Clash("", kind, 1, None, wanted_shape(form, out), sizes, 0, error=error)
    if form == CLASS_IDS and not isinstance(given[0], keras.KerasTensor):
        odd = odd_class(loss, given[0], out[-1])
        if odd is not None:
            return Clash("", ClashKind.INDEX, 1, None, f"0 to {out[-1] - 1}", odd, 0, error=error)
    return Clash("", ClashKind.OTHER, error=error)
