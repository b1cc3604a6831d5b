"""The first lesson in Notebook 7."""

from browser.servers import ROOT

LESSON = ROOT / "notebooks" / "01_first_look.ipynb"
HAS_GRAPH = "() => document.querySelectorAll('.swg .swg-node').length > 0"
MEASURED = "() => document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2"


def drag(page, handle, by):
    """Move a slider with the mouse: Notebook 7 keeps the arrow keys from every slider of ipywidgets."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=5)
    page.mouse.up()


def test_first_lesson_runs_to_its_end_with_graph_plots_and_sliders(seven):
    notebook = seven.open(LESSON, height=2200)
    page = notebook.page
    code = page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap("
        "(cell, index) => (cell.model.type === 'code' ? [index] : []))"
    )
    for index in code:
        notebook.run_cell(index)
    page.wait_for_function(HAS_GRAPH)
    notebook.wait_for_kernel("dashboard.controls['hidden'].value", 64)
    notebook.wait_for_kernel("dashboard.report.graph.sizes['hidden']", 64)


def test_slider_moved_in_notebook_7_runs_the_model_there(seven):
    cells = [
        "import torch\nfrom shapewidget import zoo\nmodel = zoo.BiLSTMTagger(vocab=500, emb=16, hidden=16)",
        "%load_ext shapewidget\ndashboard = %shapewidget model",
    ]
    notebook = seven.open(cells, height=1500)
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.page.wait_for_function(MEASURED)
    before = notebook.kernel_eval("dashboard.sizes['B']")
    drag(notebook.page, notebook.page.locator(".widget-slider .noUi-handle").first, by=60)
    notebook.wait_for_kernel(f"dashboard.report.graph.sizes['B'] > {before}", True)
    notebook.set_theme("dark")
    notebook.page.locator('.swg[data-theme="dark"]').first.wait_for()
    notebook.screenshot("slider-dark")
