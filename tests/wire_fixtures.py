"""The state of a graph view as it goes to the browser, kept as files that the front end's tests read as well.

``python tests/wire_fixtures.py`` writes them anew; the difference belongs into the review.
"""

import json
from pathlib import Path

from stand_in import tagger_report
from wire_graphs import elmo_report, translator_report

from shapewidget.notebook.wire import wire_graph, wire_tensors

FOLDER = Path(__file__).parent / "fixtures" / "wire"
REPORTS = {"tagger": tagger_report(), "elmo": elmo_report(), "translator": translator_report()}


def text_of(name: str) -> str:
    """What the file of that name has to hold."""
    report = REPORTS[name]
    state = {
        "graph": wire_graph(report),
        "tensors": wire_tensors(report.graph),
        "sizes": dict(report.graph.sizes),
    }
    return json.dumps(state, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.json"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for fixture in REPORTS:
        path_of(fixture).write_text(text_of(fixture), encoding="utf-8")
