import marimo

app = marimo.App()


@app.cell
def _():
    import json
    import os
    from pathlib import Path

    import marimo as mo

    from shapewidget.notebook.graph_view import GraphView

    graph_view = GraphView(**json.loads(Path(os.environ["SHAPEWIDGET_STATE"]).read_text(encoding="utf-8")))
    view = mo.ui.anywidget(graph_view)
    view
    return (view,)


@app.cell
def _(view):
    f"selected: {view.value['selection']}"
    return


if __name__ == "__main__":
    app.run()
