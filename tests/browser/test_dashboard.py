"""The first thing that anybody sees: a model written in a cell, attached, explained, and moved by its sliders."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

MODEL = """
import torch
from torch import nn

class Tagger(nn.Module):
    def __init__(self, vocab=500, emb=48, hidden=64, tags=9):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear({head}, tags)

    def forward(self, ids):
        states, _ = self.lstm(self.embedding(ids))
        return self.head(states)

model = Tagger()
"""
BROKEN, RIGHT = (MODEL.strip().format(head=head) for head in ("hidden", "2 * hidden"))
ATTACH = "%load_ext shapewidget\ndashboard = %shapewidget model"
HANDLES = ".widget-slider .noUi-handle, .widget-slider .ui-slider-handle"
COLOUR = "part => getComputedStyle(document.querySelector(part)).color"
SAME_PLACE = """() => {
    const [view, picture] = [".swg-view", ".swg-svg"].map(part => document.querySelector(part).getBoundingClientRect());
    return ["x", "y", "width", "height"].every(side => view[side] === picture[side]);
}"""
"""Notebook 6 has a height of its own for pictures in an output."""
CHIPS = "() => [...document.querySelectorAll('.swg-chip')].map(chip => chip.textContent).join('|')"
LINES = "() => [...document.querySelectorAll('.js-plotly-plot')].map(plot => JSON.stringify(plot.data))"
MEASURED = "() => document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2"
TO_MEND = "There is no memory or time to plot, as the model does not run. Mend this first: head: the layer was built"


def opened(stack, model):
    """A notebook whose dashboard is drawn and has its first measurement, or says why there is none."""
    notebook = stack.open([model, ATTACH], height=1500)
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.page.locator(".swg .swg-node").first.wait_for()
    if model == RIGHT:
        notebook.page.wait_for_function(MEASURED)
    else:
        notebook.page.get_by_text(TO_MEND).wait_for()
    return notebook


def test_mismatch_is_explained_with_both_sizes_line_and_a_fix_that_was_run(stack):
    notebook = opened(stack, BROKEN)
    page = notebook.page
    expect(page.locator(".js-plotly-plot:visible")).to_have_count(0)
    page.wait_for_function(SAME_PLACE)
    expect(page.locator(".swg-badge")).to_contain_text("2·hidden = 128 ≠ 64")
    expect(page.locator('.swg-edge[data-state="mismatch"]')).to_have_count(1)
    page.locator(".swg-badge").click()
    panel = page.locator(".swg-panel")
    expect(panel).to_contain_text("takes 64 features")
    expect(panel).to_contain_text("a bidirectional LSTM joins both directions, 2 x 64")
    expect(panel.locator(".swg-diff .swg-added")).to_contain_text("self.head = nn.Linear(2 * hidden, tags)")
    expect(panel).to_contain_text("In [1], line 9")
    expect(panel.locator(".swg-verified")).to_have_count(1)
    expect(page.locator(".swg-node.swg-assumed")).to_have_count(1)
    notebook.screenshot("mismatch-light")
    notebook.set_theme("dark")
    page.locator('.swg[data-theme="dark"]').first.wait_for()
    notebook.screenshot("mismatch-dark")
    expect(page.locator(".swg-panel")).to_have_css("color", page.evaluate(COLOUR, ".swg-diff"))
    notebook.wait_for_kernel("dashboard.graph_view.selection", "lstm:0 → head:0")


@pytest.mark.parametrize(("place", "name"), [(0, "B"), (1, "T"), (2, "hidden")])
def test_slider_reruns_the_model_and_redraws_shapes_and_plots(stack, place, name):
    notebook = opened(stack, RIGHT)
    page = notebook.page
    before = notebook.kernel_eval("dict(dashboard.sizes)")
    chips, lines = page.evaluate(CHIPS), page.evaluate(LINES)
    handle = page.locator(HANDLES).nth(place)
    handle.focus()
    handle.press("ArrowRight")
    notebook.wait_for_kernel(f"dashboard.report.graph.sizes[{name!r}] > {before[name]}", True)
    after = notebook.kernel_eval("dict(dashboard.sizes)")
    assert {key for key in after if after[key] != before[key]} == {name}
    notebook.wait_for_kernel("dashboard.measurements[-1].memory is not None and len(dashboard.measurements) > 1", True)
    page.wait_for_function(f"before => ({CHIPS})() !== before", arg=chips)
    page.wait_for_function(f"before => ({LINES})().every((plot, place) => plot !== before[place])", arg=lines)
    shown = str(after[name] * (2 if name == "hidden" else 1))
    page.wait_for_function(f"shown => ({CHIPS})().includes(shown)", arg=shown)
    notebook.screenshot(f"slider-{name}")


def test_last_value_wins_and_nothing_queues_up(stack):
    notebook = opened(stack, RIGHT)
    handle = notebook.page.locator(HANDLES).nth(2)
    handle.focus()
    for _ in range(6):
        handle.press("ArrowRight")
    notebook.wait_for_kernel("dashboard.sizes['hidden'] > 256", True)
    measured = "dashboard.sizes in [point.sizes for point in dashboard.measurements]"
    notebook.wait_for_kernel(f"dashboard.report.graph.sizes == dashboard.sizes and {measured}", True)


def test_dashboard_is_there_again_after_a_reload(stack):
    notebook = opened(stack, BROKEN)
    notebook.reload()
    notebook.page.locator(".swg-badge").wait_for()
    notebook.page.get_by_text(TO_MEND).wait_for()


def test_wrong_number_is_refused_in_words_and_taken_back(stack):
    notebook = opened(stack, RIGHT)
    box = notebook.page.locator("input[type=number]").first
    box.fill("-3")
    box.press("Enter")
    notebook.page.wait_for_function("() => document.body.textContent.includes('must be a whole number from 1, not -3')")
    assert notebook.kernel_eval("dashboard.sizes['B']") == 8


def test_size_that_cannot_be_moved_says_why(stack):
    notebook = stack.open(
        ["import torch\nfrom torch import nn\nmodel = nn.Sequential(nn.Linear(6, 4), nn.ReLU())", ATTACH]
    )
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.page.locator(".swg .swg-node").first.wait_for()
    expect(notebook.page.locator("body")).to_contain_text("no axis that is the sequence length")
    assert notebook.kernel_eval("[bool(it.control.refusal) for it in dashboard.controls.values()]") == [
        False,
        True,
        True,
    ]


def test_magic_without_a_model_says_what_to_do(stack):
    notebook = stack.open(["%load_ext shapewidget\n%shapewidget no_such_model"])
    notebook.run_cell(0)
    assert "no_such_model" in str(notebook.outputs(0))
    assert "Traceback" not in str(notebook.outputs(0))


def click(page, bar):
    """As a hand does: plotly.js takes clicks by the mouse's place, and where it has shown what is there."""
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".hoverlayer .hovertext").first.wait_for()
    page.mouse.down()
    page.mouse.up()


def test_a_click_on_a_bar_selects_the_layer_in_the_graph_and_the_reverse(lab):
    notebook = opened(lab, RIGHT)
    page = notebook.page
    notebook.wait_for_kernel("dashboard.graph_view.status['state']", "ready")
    bars = page.locator(".js-plotly-plot").nth(2).locator(".bars .point path")
    names = notebook.kernel_eval("list(dashboard.layers_figure.data[0].y)")
    click(page, bars.nth(names.index("lstm")))
    notebook.wait_for_kernel("dashboard.graph_view.selection", "lstm")
    page.locator(".swg-node[data-layer='head']").first.click()
    notebook.wait_for_kernel("dashboard.graph_view.selection", "head")
    page.wait_for_function(
        """place => {
        const bars = document.querySelectorAll('.js-plotly-plot')[2].querySelectorAll('.trace.bars')[0];
        return [...bars.querySelectorAll('.point path')].every((it, at) => (it.style.opacity < 1) === (at !== place));
    }""",
        arg=names.index("head"),
    )
    click(page, bars.nth(names.index("lstm")))
    notebook.wait_for_kernel("dashboard.graph_view.selection", "lstm")
    notebook.screenshot("bars")
