"""A sweep shows its points while its cell runs, and is ended there."""

from __future__ import annotations

from playwright.sync_api import expect

MODEL = """import time, torch, shapewidget
from shapewidget import zoo
torch.set_num_threads(1)
model, batch = zoo.BiLSTMTagger(vocab=500, emb=32, hidden=32), torch.randint(0, 500, (8, 20))
"""
ENDLESS = MODEL + "costs = shapewidget.sweep(model, batch, batch_size=range(1, 4000))\nended = time.time()"
CURVES = "() => document.querySelectorAll('.js-plotly-plot .scatterlayer .points path').length >= 6"
CELLS = "() => [...document.querySelectorAll('.js-plotly-plot')].map(it => it.querySelectorAll('.bars path').length)"


def started(desk):
    """A notebook whose cell is in the middle of a sweep that has no end, with points in both plots."""
    notebook = desk.open([ENDLESS])
    notebook.start_cell(0)
    notebook.page.wait_for_function(CURVES)
    assert notebook.page.evaluate("!window.finishedCells.has(0)")
    return notebook


def test_points_are_drawn_while_the_cell_runs_and_cancel_ends_it(lab):
    notebook = started(lab)
    notebook.screenshot("sweep-runs")
    clicked = notebook.page.evaluate("""() => new Promise(resolve => {
        const button = [...document.querySelectorAll('button')].find(it => it.textContent.trim() === 'Cancel');
        button.addEventListener('click', () => resolve(Date.now() / 1000));
        button.click();
    })""")
    notebook.wait_for_cell(0)
    print("seconds from click to end:", notebook.kernel_eval("ended") - clicked)
    assert notebook.kernel_eval("costs.is_cancelled and 0 < len(costs.points) < 3999")
    expect(notebook.page.locator("button.widget-button", has_text="Cancel")).to_be_hidden()


def test_points_are_drawn_while_the_cell_runs_and_interrupting_ends_it(classic):
    notebook = started(classic)
    notebook.screenshot("sweep-runs")
    expect(notebook.page.get_by_text("Interrupt the cell to end it")).to_be_visible()
    notebook.page.evaluate("window.Jupyter.notebook.kernel.interrupt()")
    notebook.wait_for_cell(0)
    assert notebook.kernel_eval("costs.is_cancelled and 0 < len(costs.points) < 3999")


def test_two_axes_grow_as_a_heat_map(stack):
    notebook = stack.open(
        [MODEL + "costs = shapewidget.sweep(model, batch, batch_size=[2, 4], hidden_size=[8, 16, 32])"]
    )
    notebook.run_cell(0)
    notebook.page.wait_for_function(f"() => ({CELLS})().join() === '6,6'")
    notebook.screenshot("sweep-heat-map")
    assert notebook.kernel_eval("[len(costs.plot().data), costs.is_cancelled]") == [2, False]
