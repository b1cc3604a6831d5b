"""How the graphs of eight models look: light and dark, wide and narrow, compared with pictures that were looked at.

``SHAPEWIDGET_RENEW_PICTURES=1 pytest tests/browser/test_graph_view_pictures.py`` takes new ones, to be looked at before
they are committed. They were taken with the fonts of Debian's fonts-noto-core; others set the texts in other widths.
"""

import base64
import os

import pytest
from browser.graph_page import show
from browser.pictured_states import FOLDER, NAMES, state
from browser.servers import ROOT
from playwright.sync_api import Page, expect

RENEWED = bool(os.environ.get("SHAPEWIDGET_RENEW_PICTURES"))
ARTIFACTS = ROOT / "artifacts" / "pictures"
SIZES = {"wide": (660, 320), "narrow": (320, 320)}
MOST_DIFFERENT = 0.02
"""The share of the pixels that may differ: smoothing of letters and curves is not the same everywhere."""

DIFFERENCE = """async ([one, other]) => {
    const pixels = await Promise.all([one, other].map(async data => {
        const image = new Image();
        image.src = `data:image/png;base64,${data}`;
        await image.decode();
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, image.width, image.height);
    }));
    const [{ data: a, width, height }, { data: b }] = pixels;
    if (width !== pixels[1].width || height !== pixels[1].height) return 1;
    let different = 0;
    for (let at = 0; at < a.length; at += 4)
        if ([0, 1, 2].some(channel => Math.abs(a[at + channel] - b[at + channel]) > 40)) different += 1;
    return different / (width * height);
}"""


def differing(page: Page, one: bytes, other: bytes) -> float:
    """The share of pixels in which two pictures are seen to differ; 1 where their sizes do."""
    return page.evaluate(DIFFERENCE, [base64.b64encode(picture).decode() for picture in (one, other)])


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_a_graph_looks_as_it_was_seen(page, name, theme, width):
    wide, high = SIZES[width]
    page.set_viewport_size({"width": wide, "height": high})
    page.add_style_tag(content="body { margin: 0 }")
    show(page, state(name) | {"theme": theme, "height": high})
    expect(page.locator(".swg-world [data-layer]").first).to_be_attached()
    taken = page.locator(".swg").screenshot()
    kept = FOLDER / f"{name}-{theme}-{width}.png"
    if RENEWED:
        kept.write_bytes(taken)
    difference = differing(page, taken, kept.read_bytes())
    if difference > MOST_DIFFERENT:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        (ARTIFACTS / kept.name).write_bytes(taken)
    assert difference <= MOST_DIFFERENT


def test_another_picture_is_seen_to_be_another(page):
    light, dark = ((FOLDER / f"unet-{theme}-wide.png").read_bytes() for theme in ("light", "dark"))
    assert differing(page, light, light) == 0
    assert differing(page, light, dark) > 0.5
    assert differing(page, light, (FOLDER / "elmo-light-wide.png").read_bytes()) > MOST_DIFFERENT


def test_the_pictures_are_small():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 1_100_000
