"""How fast the graph view is: first paint, frames while it moves, opening a group, and its layout beside dagre's.

All of it runs in one Chromium, one after the other, so that the numbers of one run can be compared. The graphs are
chains of blocks of ten layers, each with a line around it, no two blocks alike, and all groups open.

    python benchmarks/graph_view.py [--dagre dagre.esm.js] [--rounds 5]

dagre is no dependency of this project: without its file that comparison is left out, and said so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, sync_playwright

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "graph_view.json"
FRAMES = 60
BUDGETS = {
    "300 nodes, first paint": 150,
    "1000 nodes, first paint": 500,
    "10000 nodes, first paint": 2000,
    "1000 nodes, near, pan": 17,
    "1000 nodes, near, zoom": 17,
    "1000 nodes, far, pan": 17,
    "1000 nodes, far, zoom": 17,
    "10000 nodes, near, pan": 33.5,
    "10000 nodes, near, zoom": 33.5,
    "10000 nodes, far, pan": 33.5,
    "10000 nodes, far, zoom": 33.5,
    "300 nodes, open or close": 16,
    "1000 nodes, open or close": 16,
}
"""Milliseconds; a frame of a screen with 60 of them lasts 16.7."""


def graph(count: int) -> dict[str, Any]:
    """The traits of a view of that many layers."""
    layers: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for index in range(count):
        block = f"blocks.{index // 10}"
        if index % 10 == 0:
            layers.append(layer(block, None, "group", "Block", ""))
        layers.append(layer(f"{block}.n{index}", block, "layer", "Linear", f"{index} → {index}"))
        if index:
            edges.append(edge(layers, index - 1, index))
        if index % 10 == 9 and index > 10:
            edges.append(edge(layers, index - 9, index))
    tensors = [
        {"shape": [4, place % 7 + 1], "symbols": ["B", str(place % 7 + 1)], "dtype": "float32", "device": "cpu"}
        for place in range(count)
    ]
    return {
        "graph": {
            "version": 1, "title": f"{count} layers", "framework": "torch", "device": "cpu", "layers": layers,
            "edges": edges, "findings": [], "symbols": [], "notice": "",
        },
        "tensors": tensors,
        "sizes": {},
        "view_state": {"version": 1, "open": [each["id"] for each in layers if each["kind"] == "group"]},
    }  # fmt: skip


def layer(id_: str, parent: str | None, kind: str, type_: str, signature: str) -> dict[str, Any]:
    """A `WireLayer`."""
    place = int("".join(filter(str.isdigit, id_.rpartition(".")[2])))
    return {
        "id": id_, "parent": parent, "kind": kind, "name": id_.rpartition(".")[2], "type": type_,
        "signature": signature, "declared": [], "inputs": [], "outputs": [place] if kind == "layer" else [],
        "state": "agree", "assumed": False, "parameters": 0, "source": "", "code": "",
    }  # fmt: skip


def edge(layers: list[dict[str, Any]], source: int, target: int) -> dict[str, Any]:
    """A `WireEdge` between two layers by their number."""
    ends = [f"blocks.{index // 10}.n{index}" for index in (source, target)]
    return {
        "id": " → ".join(ends), "source": ends[0], "target": ends[1], "tensor": source, "state": "agree",
        "assumed": False, "escaped": False, "badge": "", "axis": None,
    }  # fmt: skip


def serve(page: Page, dagre: Path | None) -> None:
    """Give the page the front end, the stand-in for a notebook, and what is measured with."""
    esbuild = ROOT / "js/node_modules/.bin/esbuild"
    bundle = subprocess.run(
        [esbuild, "bench/page.ts", "--bundle", "--format=esm"], cwd=ROOT / "js", capture_output=True, check=True
    )
    files = {f"/{name}": (ROOT / "tests/browser" / name).read_bytes() for name in ("graph_host.js", "host_model.js")}
    files["/graph_view.js"] = (ROOT / "shapewidget/static/graph_view.js").read_bytes()
    files["/bench.js"] = bundle.stdout
    files["/dagre.js"] = dagre.read_bytes() if dagre else b""

    def answer(route: Route) -> None:
        path = "/" + route.request.url.split("/", 3)[3].partition("?")[0]
        if path in files:
            route.fulfill(body=files[path], content_type="text/javascript")
        else:
            body = "<!doctype html><body><script type=module src=/graph_host.js></script></body>"
            route.fulfill(body=body, content_type="text/html")

    page.route("**/*", answer)


def measure_view(page: Page, count: int, rounds: int) -> dict[str, float]:
    """Milliseconds of one size of graph: medians over the rounds, or over the frames."""
    name = f"{count} nodes"
    paints = []
    for _ in range(rounds):
        page.goto("http://benchmark.test/")
        page.wait_for_function("window.host")
        page.evaluate("async () => { window.bench = await import('/bench.js'); }")
        page.evaluate("async state => { await import('/graph_view.js?copy=0'); window.state = state; }", graph(count))
        paints.append(page.evaluate("bench.untilPainted(() => host.show(state, 'width: 1000px'))"))
    found = {f"{name}, first paint": statistics.median(paints)}
    page.evaluate("window.svg = document.querySelector('.swg-svg')")
    for place in ("near", "far"):
        if place == "far":
            page.get_by_role("button", name="Fit the graph").click()
        for kind in ("pan", "zoom"):
            times = page.evaluate("([kind, count]) => bench.frames(svg, kind, count)", [kind, FRAMES])
            found[f"{name}, {place}, {kind}"] = statistics.median(times)
    page.evaluate(
        "host.models[0].receive({ view_state: { ...state.view_state, open: state.view_state.open.slice(1) } })"
    )
    found[f"{name}, open or close"] = statistics.median(toggle(page) for _ in range(rounds))
    return found


def toggle(page: Page) -> float:
    """Milliseconds of processor time of the script that opens a group of a new view."""
    page.evaluate(
        "async () => { host.closers[0](); await host.view(host.models[0]); await bench.untilPainted(() => 0); }"
    )
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def script() -> float:
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        return 1000 * float(metrics["ScriptDuration"])

    before = script()
    page.evaluate("bench.click(document.querySelector('[data-layer=\"blocks.0\"] .swg-fold'))")
    taken = script() - before
    session.detach()
    return taken


def measure_layout(page: Page, rounds: int, has_dagre: bool) -> dict[str, float]:
    """Milliseconds of the layout alone, ours and dagre's taking turns."""
    found = {}
    for graph_name in ("chain", "transformer"):
        ours = [page.evaluate("name => bench.ours(name)", graph_name) for _ in range(rounds + 1)][1:]
        found[f"layout of a {graph_name}, 1000 nodes"] = statistics.median(ours)
        if has_dagre:
            call = "async name => bench.dagres(name, await import('/dagre.js'))"
            found[f"dagre's of the same {graph_name}"] = page.evaluate(call, graph_name)
    return found


def main() -> None:
    """Measure, print a table and write it to `benchmarks/results/graph_view.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dagre", type=Path, help="The file dagre.esm.js of the package @dagrejs/dagre.")
    options = parser.parse_args()
    browser_path = subprocess.run([ROOT / "scripts/find-browser"], capture_output=True, text=True, check=True).stdout
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path.strip(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 700})
        page.emulate_media(reduced_motion="reduce")
        serve(page, options.dagre)
        results: dict[str, float] = {}
        for count in (300, 1000, 10_000):
            results |= measure_view(page, count, options.rounds)
        results |= measure_layout(page, options.rounds, options.dagre is not None)
        version = browser.version
        browser.close()
    for name, value in results.items():
        budget = BUDGETS.get(name)
        kept = "" if budget is None else f"of {budget:6}  {'kept' if value <= budget else 'NOT kept'}"
        print(f"{name:36}{value:9.1f} ms  {kept}")
    if options.dagre is None:
        print("The comparison with dagre was left out: --dagre names no file.")
    machine = {"chromium": version, "cores": os.cpu_count(), "gpu": False, "python": sys.version.split()[0]}
    RESULTS.parent.mkdir(exist_ok=True)
    report = {"rounds": options.rounds, "milliseconds": results, "budgets": BUDGETS, "machine": machine}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
