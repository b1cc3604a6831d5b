"""GraphView under the conditions of hosts that are not run here: the bare anywidget protocol, and VS Code's page."""

from collections.abc import Iterator

import pytest
from browser.graph_page import layer, show, wire
from browser.host_page import host_page
from playwright.sync_api import Browser, Page, expect

from shapewidget.notebook.graph_view import GraphView

DARK = "rgb(22, 25, 29)"
LIGHT = "rgb(255, 255, 255)"


@pytest.fixture
def plain(chromium: Browser) -> Iterator[Page]:
    """A page for one view in a shadow root, whose host offers nothing but the anywidget protocol."""
    with host_page(chromium, "afm_host.js", ["graph_view.js"], width=1100) as page:
        page.emulate_media(reduced_motion="reduce")
        yield page


def state(name: str) -> dict:
    """All traits of a view, as the class has them."""
    traits = {name: value for name, value in GraphView().get_state().items() if not name.startswith("_")}
    return {key: value for key, value in traits.items() if key in GraphView.class_own_traits(sync=True)} | wire(name)


def test_the_view_needs_no_more_than_the_anywidget_protocol(plain):
    plain.evaluate("traits => host.show(traits)", state("elmo"))
    expect(plain.locator(".swg-badge")).to_have_text("✕ 2·dim = 1024 ≠ 512")
    plain.locator(".swg-badge").click()
    expect(plain.locator(".swg-panel h3")).to_have_text("cat → projection")
    plain.evaluate("host.model.receive({ selection: '', height: 700, colour_by: 'dtype' })")
    expect(plain.locator(".swg")).to_have_css("height", "700px")
    expect(plain.locator(".swg-finding")).to_be_visible()
    layer(plain, "bilm.encoder.highway").locator(".swg-fold").dispatch_event("click")
    plain.wait_for_function("host.model.sent.some(sent => sent.view_state)")
    assert "bilm.encoder.highway" not in plain.evaluate("host.model.get('view_state').open")
    written = {name for sent in plain.evaluate("host.model.sent") for name in sent}
    assert written == {"selection", "view_state"}
    plain.evaluate("host.close()")
    assert plain.evaluate("[host.model.listeners.length, host.el.childElementCount]") == [0, 0]


def test_focus_keys_and_wheel_work_in_a_shadow_root(plain):
    plain.evaluate("traits => host.show(traits)", state("elmo"))
    world = plain.locator(".swg-world")
    plain.locator(".swg-svg").click(position={"x": 5, "y": 5})
    before = world.get_attribute("transform")
    plain.mouse.wheel(0, -100)
    expect(world).not_to_have_attribute("transform", before)
    highway = layer(plain, "bilm.encoder.highway")
    highway.focus()
    plain.keyboard.press("Enter")
    expect(highway).to_have_attribute("aria-expanded", "false")
    expect(highway).to_be_focused()
    plain.keyboard.press("ArrowUp")
    assert plain.evaluate("host.model.get('selection')") != "bilm.encoder.highway"


@pytest.mark.parametrize(("mark", "background"), [("dark", DARK), ("light", LIGHT)])
def test_the_theme_is_that_of_marimos_page(page, mark, background):
    page.evaluate("mark => { document.body.dataset.theme = mark; document.body.className = mark; }", mark)
    show(page, wire("tagger"))
    expect(page.locator(".swg")).to_have_css("background-color", background)


def test_keys_that_the_view_takes_do_not_reach_the_notebook(page):
    show(page, wire("elmo"))
    page.evaluate("document.heard = ''; document.addEventListener('keydown', ({ key }) => { document.heard += key; })")
    page.locator(".swg-svg").focus()
    for key in ("n", "p", "/", "Escape", "x"):
        page.keyboard.press(key)
    page.locator(".swg-svg").focus()
    page.keyboard.press("0")
    assert page.evaluate("document.heard") == "x"


@pytest.mark.parametrize(
    ("kind", "background"),
    [("vscode-dark", DARK), ("vscode-high-contrast", DARK), ("vscode-light", LIGHT)],
)
def test_in_vs_code_the_view_paints_its_own_ground_on_the_white_behind_outputs(page, kind, background):
    """Its page marks the theme, knows no variables of JupyterLab, and paints white behind the output of widgets."""
    page.evaluate(
        """kind => {
            document.body.className = kind;
            document.body.dataset.vscodeThemeKind = kind;
            document.body.style = "background: transparent; color: rgb(204, 204, 204); font-size: 13px";
        }""",
        kind,
    )
    page.add_style_tag(content="body > div { background: white !important; padding: 0 }")
    show(page, wire("elmo"))
    view = page.locator(".swg")
    expect(view).to_have_css("background-color", background)
    expect(view).to_have_css("border-radius", "0px")
    ink = view.locator(".swg-panel").evaluate("panel => getComputedStyle(panel).color")
    assert ink == ("rgb(27, 31, 36)" if background == LIGHT else "rgb(230, 233, 237)")
    assert "--jp" not in page.content()
