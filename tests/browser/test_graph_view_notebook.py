"""GraphView in a notebook: cells that run again, and what the notebook then weighs."""

import json
import re

from playwright.sync_api import expect

MODEL = """
import torch
from torch import nn
import shapewidget

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x):
        x = self.norm1(x + self.attention(x, x, x)[0])
        return self.norm2(x + self.down(torch.relu(self.up(x))))

class Transformer(nn.Module):
    def __init__(self, vocab=500, width=64, blocks=12):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.head = nn.Linear(width, vocab)

    def forward(self, ids):
        return self.head(self.blocks(self.embedding(ids)))
"""
SHOW = "dashboard = shapewidget.attach(Transformer(), torch.randint(0, 500, (6, 10)))\ndashboard"
STATES = """(lambda state: {
    name: state()[name] if it["model_name"] == "AnyModel" else it for name, it in state(drop_defaults=True).items()
})(lambda **options: __import__("ipywidgets").Widget.get_manager_state(**options)["state"])"""
"""What a notebook that is saved with its widgets holds of them: no defaults, but a script is none to the page."""

VIEWS = ".swg .swg-world [data-layer]"


def test_a_cell_that_runs_again_keeps_what_was_open_and_closes_the_old_widget(lab):
    notebook = lab.open([MODEL.strip(), SHOW], height=1500)
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.page.locator(VIEWS).first.wait_for()
    notebook.page.get_by_label("More", exact=True).click()
    notebook.page.get_by_role("button", name="Close all groups").click()
    notebook.wait_for_kernel("dashboard.graph_view.view_state['open']", [])
    notebook.run_cell(1)
    notebook.wait_for_kernel("dashboard.graph_view.view_state['open']", [])
    blocks = notebook.page.locator('[data-layer="blocks"]')
    expect(blocks).to_have_count(1)
    expect(blocks).to_have_attribute("aria-expanded", "false")
    assert notebook.kernel_eval(f"sum('view_state' in each['state'] for each in {STATES}.values())") == 1


def test_what_was_open_and_selected_is_there_again_after_a_run_and_a_reload(lab):
    notebook = lab.open([MODEL.strip(), SHOW], height=1500)
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.page.locator(VIEWS).first.wait_for()
    notebook.page.get_by_label("More", exact=True).click()
    notebook.page.get_by_role("button", name="Close all groups").click()
    notebook.page.locator('[data-layer="head"]').click()
    notebook.wait_for_kernel("dashboard.graph_view.view_state['open']", [])
    notebook.run_cell(1)
    notebook.wait_for_kernel("dashboard.graph_view.selection", "head")
    notebook.reload()
    blocks = notebook.page.locator('[data-layer="blocks"]')
    expect(blocks).to_have_attribute("aria-expanded", "false")
    expect(notebook.page.locator('[data-layer="head"]')).to_have_class(re.compile("swg-selected"))
    expect(notebook.page.locator(".swg-panel h3")).to_contain_text("head")


def test_two_cells_with_a_large_model_that_ran_twice_leave_a_small_notebook(lab):
    notebook = lab.open([MODEL.strip(), SHOW, SHOW], height=1500)
    notebook.run_cell(0)
    for _ in range(2):
        for cell in (1, 2):
            notebook.run_cell(cell)
    notebook.page.locator(VIEWS).first.wait_for()
    notebook.page.evaluate(notebook.save_file)
    name = notebook.page.url.rpartition("/")[2].partition("?")[0]
    outputs = len(json.dumps(json.loads((lab.server.root / name).read_text())["cells"]))
    widgets = notebook.kernel_eval(f"len(__import__('json').dumps({STATES}))")
    assert outputs + widgets < 500_000
