#!/usr/bin/env python3
"""Take the pictures of the documentation: screenshots of the dashboard in JupyterLab, light and dark.

    .venv/bin/python scripts/make_pictures.py [dashboard finding ...]

It needs what the browser tests need: Chromium and an installed `.venv`. The pictures go to `docs/images`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser.conftest import Desk  # noqa: E402  # from the folder of the tests, which is on the path only now
from browser.notebooks import Notebook  # noqa: E402
from browser.servers import Lab  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 120_000
WIDTH, HEIGHT = 1240, 1700

TAGGER = """
import torch
from torch import nn
torch.set_num_threads(1)

class Tagger(nn.Module):
    def __init__(self, vocab={vocab}, emb={emb}, hidden={hidden}, tags=13):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear({head}, tags)

    def forward(self, ids):
        states, _ = self.lstm(self.embedding(ids))
        return self.head(states)

model = Tagger()
"""
BROKEN = TAGGER.format(vocab=5000, emb=128, hidden=256, head="hidden")
MENDED = TAGGER.format(vocab=500, emb=32, hidden=32, head="2 * hidden")
READER = """
import torch
from torch import nn

class Reader(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.embedding = nn.Embedding(1000, 32)
        self.lstm = nn.LSTM(32, hidden, bidirectional=True)
        self.head = nn.Linear(hidden, 5)

    def forward(self, ids):
        states, _ = self.lstm(self.embedding(ids))
        return self.head(states)

model, ids = Reader(), torch.randint(0, 1000, (4, 10))
"""
RESNET = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, width, inner, stride=1):
        super().__init__()
        out = 4 * inner
        self.conv1, self.bn1 = nn.Conv2d(width, inner, 1), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, out, 1), nn.BatchNorm2d(out)
        self.downsample = nn.Conv2d(width, out, 1, stride) if (width, stride) != (out, 1) else nn.Identity()

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        return torch.relu(self.bn3(self.conv3(y)) + self.downsample(x))

def stage(width, inner, blocks, stride):
    return nn.Sequential(Block(width, inner, stride), *(Block(4 * inner, inner) for _ in range(blocks - 1)))

class ResNet50(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.bn1, self.maxpool = nn.Conv2d(3, 8, 7, 2, 3), nn.BatchNorm2d(8), nn.MaxPool2d(3, 2, 1)
        self.layer1, self.layer2 = stage(8, 8, 3, 1), stage(32, 16, 4, 2)
        self.layer3, self.layer4 = stage(64, 32, 6, 2), stage(128, 64, 3, 2)
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(256, classes)

    def forward(self, image):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(image))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))

model, image = ResNet50(), torch.randn(2, 3, 64, 64)
"""
OPEN = "%load_ext shapewidget\ndashboard = %shapewidget model"
MEASURED = """() => document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2
    || document.body.textContent.includes('Mend this first')"""
AT_REST = "dashboard.graph_view.status['state'] == 'ready' and len(dashboard.measurements) > 0"
CELL, GRAPH, CONTROLS = ".jp-Cell:nth-of-type(2) .jp-InputArea-editor", ".swg", ".widget-hbox:has(.widget-slider)"
PLOTS = ".widget-hbox:has(.js-plotly-plot)"
MARGIN = 3


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        name: Of the file, without the theme.
        model: The cell that makes the model.
        first: What is at its top, as a CSS selector.
        last: What is at its bottom.
        options: Of the magic.
        is_opened: Whether the first finding's panel is open.
        is_fitted: Whether the whole graph is in view.
    """

    name: str
    model: str
    first: str
    last: str
    options: str = ""
    is_opened: bool = False
    is_fitted: bool = False


PICTURES = (
    Picture("dashboard", BROKEN, CELL, CONTROLS),
    Picture("finding", BROKEN, GRAPH, GRAPH, is_opened=True),
    Picture("colours", READER, GRAPH, GRAPH, options=" --inputs ids --axes 'B T'"),
    Picture("overview", RESNET, GRAPH, GRAPH, options=" --inputs image", is_fitted=True),
    Picture("plots", MENDED, CONTROLS, PLOTS),
)


def take(notebook: Notebook, picture: Picture, theme: str) -> Path:
    """Run the cells in one theme, and take the picture when nothing moves any more."""
    page = notebook.page
    notebook.set_theme(theme)
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    notebook.run_cell(0)
    notebook.run_cell(1)
    page.locator(".swg .swg-node").first.wait_for()
    page.wait_for_function(MEASURED)
    notebook.wait_for_kernel(AT_REST, True)
    if picture.is_opened:
        page.locator(".swg-badge").first.click()
        page.locator(".swg-panel").wait_for()
    if picture.is_fitted:
        page.get_by_role("button", name="Fit the graph").click()
        page.mouse.move(0, 0)
    path = IMAGES / f"{picture.name}_{theme}.png"
    page.locator(picture.first).first.scroll_into_view_if_needed()
    top, bottom = (page.locator(selector).first.bounding_box() for selector in (picture.first, picture.last))
    if top is None or bottom is None:
        raise RuntimeError(f"{picture.name}: {picture.first} or {picture.last} is not to be seen on the page")
    clip = {
        "x": top["x"] - MARGIN,
        "y": top["y"] - MARGIN,
        "width": max(top["width"], bottom["width"]) + 2 * MARGIN,
        "height": bottom["y"] + bottom["height"] - top["y"] + 2 * MARGIN,
    }
    page.screenshot(path=path, clip=clip, animations="disabled")
    return path


def take_all(browser: Browser, server: Lab, names: list[str]) -> list[Path]:
    """The pictures of these names, or all, in both themes, each in a notebook of its own."""
    paths = []
    for picture in [picture for picture in PICTURES if not names or picture.name in names]:
        for theme in ("light", "dark"):
            desk = Desk(server, browser, f"{picture.name}-{theme}")
            notebook = desk.open([picture.model.strip(), OPEN + picture.options], width=WIDTH, height=HEIGHT)
            paths.append(take(notebook, picture, theme))
            desk.close()
    return paths


def main() -> int:
    """Take the pictures, and name those that are too large."""
    chromium = subprocess.run([ROOT / "scripts" / "find-browser"], capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, Lab(Path(folder) / "lab") as server:
        browser = playwright.chromium.launch(
            executable_path=chromium.stdout.strip(), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        paths = take_all(browser, server, sys.argv[1:])
        browser.close()
    for path in paths:
        print(f"{path.relative_to(ROOT)} {path.stat().st_size / 1000:.0f} kB")
    return int(any(path.stat().st_size > MOST_BYTES for path in paths))


if __name__ == "__main__":
    sys.exit(main())
