"""Weights that a layer is to take over, and has in another shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from shapewidget.frameworks.adapter import Attempt
from shapewidget.frameworks.keras.guard import same_process_state
from shapewidget.frameworks.keras.programs import TracedProgram
from shapewidget.frameworks.keras.recorder import Recorder
from shapewidget.frameworks.keras.remaking import Change, Remaker
from shapewidget.graph.records import Recording


class WeightsProgram(TracedProgram):
    """The call of `set_weights` alone, on the layer made again and built as it was."""

    def __init__(self, recorder: Recorder, layer: keras.layers.Layer, weights: Sequence[Any]) -> None:
        """What was called, and the recorder that noted it."""
        super().__init__(recorder, [])
        self._layer, self._weights = layer, weights

    def record(self, attempt: Attempt | None) -> Recording:
        """Hand the weights over again, to the layer as it was or as an attempt changes it."""
        change = attempt.model if attempt is not None else Change()
        recorder, stopped = Recorder(), None
        with same_process_state():
            made = Remaker(change).layer(self._layer)
            made.build_from_config(self._layer.get_build_config() or {})
            with recorder.recording():
                try:
                    made.set_weights(self._weights)
                except Exception as error:
                    stopped = recorder.fail(error)
        return recorder.recorded("captured code", stopped)
