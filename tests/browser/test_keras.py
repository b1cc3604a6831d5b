"""The dashboard of a Keras model: the same graph, sliders and plots."""

from __future__ import annotations

from playwright.sync_api import expect

MODEL = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
from keras import layers

class Tagger(keras.Model):
    def __init__(self, vocab=500, emb=32, units=48, tags=9):
        super().__init__()
        self.embedding = layers.Embedding(vocab, emb)
        self.both = layers.Bidirectional(layers.LSTM(units, return_sequences=True))
        self.head = layers.Dense(tags)

    def call(self, ids):
        return self.head(self.both(self.embedding(ids)))

model = Tagger()
"""
BUILDING = """
x = keras.Input((12, 8))
half = layers.Conv1D(8, 3, name="half")(x)
model = keras.Model(x, layers.Concatenate(name="skip")([half, x]))
"""
ATTACH = "%load_ext shapewidget\ndashboard = %shapewidget model"
CHIPS = "() => [...document.querySelectorAll('.swg-chip')].map(chip => chip.textContent).join('|')"
HANDLES = ".widget-slider .noUi-handle, .widget-slider .ui-slider-handle"
PLOTTED = "() => document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2"


def test_sliders_and_plots_work_for_a_keras_model(lab):
    notebook = lab.open([MODEL.strip(), ATTACH], height=1500)
    notebook.run_cell(0)
    notebook.run_cell(1)
    page = notebook.page
    page.locator(".swg .swg-node").first.wait_for()
    page.wait_for_function(f"({CHIPS})().includes('(B, T, 2·units)')")
    page.wait_for_function(PLOTTED)
    notebook.screenshot("keras-light")
    before = notebook.kernel_eval("dashboard.sizes['units']")
    handle = page.locator(HANDLES).nth(2)
    handle.focus()
    handle.press("ArrowRight")
    notebook.wait_for_kernel(f"dashboard.report.graph.sizes['units'] > {before}", True)
    notebook.wait_for_kernel("dashboard.measurements[-1].memory is not None and len(dashboard.measurements) > 1", True)
    units = notebook.kernel_eval("dashboard.sizes['units']")
    page.wait_for_function(f"({CHIPS})().includes('{2 * units}')")
    notebook.set_theme("dark")
    page.locator('.swg[data-theme="dark"]').first.wait_for()
    notebook.screenshot("keras-dark")


def test_model_that_cannot_be_built_is_drawn_and_explained(lab):
    notebook = lab.open([MODEL.strip(), "%load_ext shapewidget", f"%%shapewidget{BUILDING}"], height=1300)
    for cell in range(3):
        notebook.run_cell(cell)
    page = notebook.page
    page.locator(".swg .swg-node").first.wait_for()
    expect(page.locator('.swg-edge[data-state="mismatch"]')).to_have_count(1)
    notebook.screenshot("keras-building")
