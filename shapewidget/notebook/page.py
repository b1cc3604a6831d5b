"""One HTML file with the interactive graph of a report: it needs neither a kernel nor a network."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from shapewidget.notebook import assets, static
from shapewidget.notebook.contract import GRAPH_VIEW_TRAITS
from shapewidget.notebook.wire import wire_graph, wire_tensors
from shapewidget.probing.report import Report

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' data:; \
style-src 'unsafe-inline'; img-src data: blob:">
<title>{title}</title>
<style>
  html {{ color-scheme: light dark; }}
  body {{ margin: 0; padding: 12px; box-sizing: border-box; height: 100vh; font-family: sans-serif; }}
  body > div > .swg {{ height: calc(100vh - 24px); }}
</style>
<div id="view"></div>
<noscript>{static}</noscript>
<script type="application/json" id="state">{state}</script>
<script type="module">
import widget from "data:text/javascript;base64,{bundle}";
const state = JSON.parse(document.getElementById("state").textContent);
const listeners = [];
const model = {{
  get: (name) => state[name],
  set: (name, value) => {{
    state[name] = value;
    for (const [event, call] of [...listeners]) if (event === `change:${{name}}`) call();
  }},
  save_changes: () => undefined,
  on: (event, call) => listeners.push([event, call]),
  off: (event, call) => {{
    const place = listeners.findIndex(([other, each]) => other === event && each === call);
    if (place >= 0) listeners.splice(place, 1);
  }},
}};
widget.render({{ model, el: document.getElementById("view") }});
</script>
</html>
"""


def html(report: Report, traits: Mapping[str, Any] | None = None) -> str:
    """The page of a report.

    Args:
        report: What it shows. Of the tensors it holds shapes, dtypes and devices, and no values.
        traits: Traits of a `GraphView` that differ from those of a new one: open groups, selection, colours.

    Raises:
        MissingBundleError: The front end was not built.
    """
    state: dict[str, Any] = {trait.name: trait.default for trait in GRAPH_VIEW_TRAITS}
    state |= {
        "graph": wire_graph(report),
        "tensors": wire_tensors(report.graph),
        "sizes": dict(report.graph.sizes),
        **(traits or {}),
    }
    # The three signs that could end or open a script are written as JSON has them.
    text = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return _PAGE.format(
        title=escape(report.graph.title[: static.LONGEST_TEXT]),
        static=static.html(report),
        state=text,
        bundle=b64encode(assets.bundle("graph_view.js").read_bytes()).decode(),
    )


def save(path: str | PathLike[str], report: Report, traits: Mapping[str, Any] | None = None) -> Path:
    """Write the page to a file, whose path is returned."""
    file = Path(path)
    file.write_text(html(report, traits), encoding="utf-8")
    return file
