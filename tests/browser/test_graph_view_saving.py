"""The graph without a kernel: as a page of its own, as SVG and as PNG."""

import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
from browser.graph_page import chain, choose, layer, show, wire
from browser.patience import MOST_MS
from playwright.sync_api import Page, expect
from stand_in import tagger_report
from wire_graphs import elmo_report

SVG = "{http://www.w3.org/2000/svg}"


def saved(page: Page, entry: str) -> Path:
    with page.expect_download() as download:
        choose(page, entry)
    return Path(download.value.path())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_svg_needs_nothing_but_itself(page, theme):
    show(page, wire("elmo", theme=theme))
    text = saved(page, "Save as SVG").read_text(encoding="utf-8")
    for word in ("foreignObject", "class=", "style=", "var(", "color(", "rgba(", "data-"):
        assert word not in text
    root = ElementTree.fromstring(text)
    texts = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    assert "✕ 2·dim = 1024 ≠ 512" in texts
    assert all(element.get("fill") and element.get("font-size") for element in root.iter(f"{SVG}text"))
    background = root.find(f"{SVG}rect").get("fill")
    assert background == ("rgb(255, 255, 255)" if theme == "light" else "rgb(22, 25, 29)")


def test_the_svg_shows_all_of_a_graph_of_which_a_part_is_in_view(page):
    show(page, chain(1000))
    root = ElementTree.fromstring(saved(page, "Save as SVG").read_text(encoding="utf-8"))
    names = {element.text for element in root.iter(f"{SVG}tspan")}
    assert {f"n{index}" for index in range(1000)} <= names
    expect(layer(page, "n500")).not_to_be_attached()


def test_the_svg_looks_like_the_graph(page):
    show(page, wire("tagger"))
    graph = page.locator(".swg-world").bounding_box()
    root = ElementTree.fromstring(saved(page, "Save as SVG").read_text(encoding="utf-8"))
    scale = page.evaluate("document.querySelector('.swg-world').getCTM().a")
    assert float(root.get("height")) - 40 == pytest.approx(graph["height"] / scale, abs=12)


def test_the_png_is_twice_as_large(page):
    show(page, wire("tagger"))
    root = ElementTree.fromstring(saved(page, "Save as SVG").read_text(encoding="utf-8"))
    file = saved(page, "Save as PNG").read_bytes()
    width, height = struct.unpack(">II", file[16:24])
    assert file[:4] == b"\x89PNG"
    assert (width, height) == (2 * int(root.get("width")), 2 * int(root.get("height")))


@pytest.fixture
def offline(chromium):
    """A page that has nothing but files, and may complain of nothing."""
    context = chromium.new_context(viewport={"width": 1000, "height": 700}, offline=True)
    page = context.new_page()
    page.set_default_timeout(MOST_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert complaints == []


def test_a_saved_page_is_interactive_without_kernel_and_network(offline, tmp_path):
    file = elmo_report().save_html(tmp_path / "graph.html")
    offline.goto(file.as_uri())
    offline.locator(".swg-badge").click()
    expect(offline.locator(".swg-panel h3")).to_have_text("cat → projection")
    offline.get_by_label("Colour by").select_option("dtype")
    expect(offline.locator(".swg-legend")).to_contain_text("float32")
    height = offline.locator(".swg").bounding_box()["height"]
    assert height == pytest.approx(700 - 24, abs=1)


def test_names_in_a_saved_page_are_text(offline, tmp_path):
    report = tagger_report()
    evil = "</script><img src=x onerror=alert(1)>"
    object.__setattr__(report.graph, "title", evil)
    offline.goto(report.save_html(tmp_path / "graph.html").as_uri())
    expect(offline.locator(".swg-model")).to_have_text(evil)
    expect(offline.locator("img")).to_have_count(0)


def test_a_saved_page_without_scripts_has_the_tables(chromium, tmp_path):
    file = elmo_report().save_html(tmp_path / "graph.html")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    expect(page.get_by_alt_text("Layer graph of ELMo: 1 mismatch")).to_be_visible()
    assert "✕ SW101" in page.locator("td").all_inner_texts()
    context.close()
