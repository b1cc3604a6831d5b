"""The live switch beside a training loop that runs: clicked by hand, and telling the batch that differs."""

from __future__ import annotations

MODEL = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
loader = DataLoader(TensorDataset(torch.randn(103, 4)), batch_size=32)
""".strip()
ATTACH = "%load_ext shapewidget\ndashboard = %shapewidget model"
LOOP = "for (x,) in loader:\n    model(x).sum().backward()"
SWITCH = ".widget-toggle-button:has-text('Live')"


def test_switch_follows_a_loop_and_names_the_batch_that_differs(stack):
    notebook = stack.open([MODEL, ATTACH, LOOP], height=1300)
    page = notebook.page
    notebook.run_cell(0)
    notebook.run_cell(1)
    switch = page.locator(SWITCH)
    switch.wait_for()
    switch.click()
    page.get_by_text("waits for the model to be called").wait_for()
    notebook.screenshot("live-waiting")
    notebook.run_cell(2)
    page.get_by_text("batch 3 differs: (7, 4), the first had (32, 4)").wait_for()
    sizes = notebook.kernel_eval("[batch.size for batch in dashboard.live_batches]")
    assert (sizes[0], sizes[-1]) == (32, 7)
    switch.scroll_into_view_if_needed()
    notebook.screenshot("live-light")
    notebook.set_theme("dark")
    page.locator('.swg[data-theme="dark"]').first.wait_for()
    switch.scroll_into_view_if_needed()
    notebook.screenshot("live-dark")
    switch.click()
    notebook.wait_for_kernel("dashboard.live", False)
    notebook.run_cell(2)
    assert notebook.kernel_eval("len(dashboard.live_batches)") == len(sizes)
