"""The bundle of PlotView on a page of its own, in a host that answers as each test says."""

import pytest
from browser.host_page import host_page
from browser.servers import ROOT
from playwright.sync_api import Page, expect

from shapewidget.graph.costs import Measurement, Memory, Timing
from shapewidget.notebook import plots

ARTIFACTS = ROOT / "artifacts" / "plot_view"
BARS = "#view-{} .bars path"
PARTS = 5
"""Bars at every size: what the memory of a step is made of."""


@pytest.fixture
def page(chromium):
    with host_page(chromium, "plot_host.js", ["plot_view.js", "plotly.min.js"], width=560) as page:
        yield page


def memory(*sizes: int) -> dict:
    """A real figure, with a bar for each part at every size."""
    points = [
        Measurement(
            {"B": size},
            "cpu",
            Timing(0.01, 0.009, 0.012, 7),
            Timing(0.03, 0.028, 0.04, 7),
            Memory(4 << 20, 4 << 20, 8 << 20, size << 18, 5 << 20, "measured"),
        )
        for size in sizes
    ]
    return plots.memory_figure(points, plots.SizeAxis("B", "batch size"), {"B": sizes[0]}).to_plotly_json()


def show(page: Page, **traits) -> None:
    page.evaluate("traits => host.show(traits)", traits)


def expect_colour(page: Page, colour: str) -> None:
    """The text of the plot gets this colour, once it is drawn."""
    expect(page.locator(BARS.format(0)).first).to_be_attached()
    expect(page.locator("#view-0 .xtick text").first).to_have_css("fill", colour)


def test_a_figure_is_drawn_and_changed_in_place(page):
    show(page, figure=None)
    expect(page.get_by_text("measuring…")).to_be_visible()
    assert page.evaluate("host.requests") == []

    page.evaluate("figure => host.models[0].set('figure', figure)", memory(8, 16))
    expect(page.locator(BARS.format(0))).to_have_count(2 * PARTS)
    expect(page.get_by_text("measuring…")).not_to_be_attached()
    drawing = page.locator("#view-0 .js-plotly-plot").element_handle()
    page.evaluate("figure => host.models[0].set('figure', figure)", memory(8, 16, 32))
    expect(page.locator(BARS.format(0))).to_have_count(3 * PARTS)
    assert page.locator("#view-0 .js-plotly-plot").evaluate("(now, then) => now === then", drawing)

    page.evaluate("host.models[0].set('figure', null)")
    expect(page.get_by_text("measuring…")).to_be_visible()
    expect(page.locator(BARS.format(0))).to_have_count(0)


def test_the_models_figure_is_not_written_to(page):
    figure = memory(8)
    show(page, figure=figure)
    expect(page.locator(BARS.format(0))).to_have_count(PARTS)
    assert page.evaluate("JSON.stringify(host.models[0].get('figure'))") == page.evaluate("JSON.stringify", figure)


@pytest.mark.parametrize("buffer", ["data view", "inner data view", "inner array"])
def test_the_file_is_read_from_any_kind_of_buffer(page, buffer):
    page.evaluate("kind => { host.kernel = kind; }", buffer)
    show(page, figure=memory(8))
    expect(page.locator(BARS.format(0))).to_have_count(PARTS)


def test_two_views_share_one_request_and_leave_the_pages_own_plotly(page):
    page.evaluate("window.Plotly = 'of another library'")
    show(page, figure=memory(8))
    show(page, figure=memory(8, 16))
    expect(page.locator(BARS.format(0))).to_have_count(PARTS)
    expect(page.locator(BARS.format(1))).to_have_count(2 * PARTS)
    assert [request["kind"] for request in page.evaluate("host.requests")] == ["plotly"]
    assert page.evaluate("window.Plotly") == "of another library"


def test_a_view_asks_itself_when_the_one_that_asked_is_closed(page):
    page.evaluate("host.kernel = 'silent'")
    show(page, figure=memory(8))
    show(page, figure=memory(8))
    page.evaluate("host.kernel = 'data view'; host.closers[0]()")
    expect(page.locator(BARS.format(1))).to_have_count(PARTS)
    assert len(page.evaluate("host.requests")) == 2


def test_a_refusal_is_shown_as_text_and_can_be_tried_again(page):
    page.evaluate("host.kernel = 'It has no <b>file</b>.'")
    show(page, figure=memory(8))
    expect(page.get_by_role("status")).to_contain_text("The plot cannot be drawn. It has no <b>file</b>.")
    page.evaluate("host.kernel = 'data view'")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(BARS.format(0))).to_have_count(PARTS)
    expect(page.get_by_role("status")).to_be_empty()


def test_a_silent_kernel_is_told_after_a_while_and_may_still_answer(page):
    page.clock.install()
    page.evaluate("host.kernel = 'silent'")
    show(page, figure=memory(8))
    expect(page.get_by_role("status")).to_have_text("waiting for the kernel…")
    page.clock.fast_forward("00:21")
    expect(page.get_by_role("status")).to_contain_text("The kernel has not answered yet.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.evaluate("host.kernel = 'data view'; host.work()")
    expect(page.locator(BARS.format(0))).to_have_count(PARTS)
    expect(page.get_by_role("button", name="Try again")).not_to_be_attached()


def test_a_silent_kernel_can_be_asked_again(page):
    page.clock.install()
    page.evaluate("host.kernel = 'silent'")
    show(page, figure=memory(8))
    page.clock.fast_forward("00:21")
    page.evaluate("host.waiting.length = 0; host.kernel = 'data view'")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(BARS.format(0))).to_have_count(PARTS)
    assert len({request["id"] for request in page.evaluate("host.requests")}) == 2


def test_what_a_person_hid_stays_hidden_while_points_come_in(page):
    show(page, figure=memory(8))
    page.locator("#view-0 .legendtoggle").first.click()
    expect(page.locator(BARS.format(0))).to_have_count(PARTS - 1)
    page.evaluate("figure => host.models[0].set('figure', figure)", memory(8, 16))
    expect(page.locator(BARS.format(0))).to_have_count(2 * (PARTS - 1))


def test_no_button_sends_the_plot_anywhere(page):
    show(page, figure=memory(8))
    page.locator("#view-0").hover()
    buttons = page.locator("#view-0 .modebar-btn")
    expect(buttons).to_have_count(4)
    titles = buttons.evaluate_all("buttons => buttons.map(button => button.dataset.title)")
    assert titles == ["Download plot as a PNG", "Zoom", "Pan", "Reset axes"]


def test_a_hidden_plot_is_drawn_when_it_gets_a_width_and_follows_it(page):
    page.evaluate("figure => host.show({ figure }, 'display: none')", memory(8))
    page.wait_for_function("host.requests.length === 1")
    for width in (300, 420):
        page.locator("#view-0").evaluate("(view, width) => { view.style = `width: ${width}px`; }", width)
        expect(page.locator("#view-0 .main-svg").first).to_have_attribute("width", str(width))


def test_the_height_is_the_trait(page):
    show(page, figure=memory(8), height=200)
    expect(page.locator("#view-0 .main-svg").first).to_have_attribute("height", "200")
    page.evaluate("host.models[0].set('height', 260)")
    expect(page.locator("#view-0 .main-svg").first).to_have_attribute("height", "260")


def test_a_screen_reader_gets_the_label(page):
    show(page, figure=memory(8), label="Memory <i>over</i> batch size")
    expect(page.get_by_role("img", name="Memory <i>over</i> batch size")).to_be_visible()
    page.evaluate("host.models[0].set('label', 'Time')")
    expect(page.get_by_role("img", name="Time")).to_be_visible()


def test_a_closed_view_leaves_nothing_behind(page):
    show(page, figure=memory(8))
    expect(page.locator(BARS.format(0))).to_have_count(PARTS)
    page.evaluate("host.closers[0]()")
    assert page.evaluate("host.models[0].listeners") == []
    expect(page.locator("#view-0")).to_be_empty()


LIGHT, DARK = "rgb(89, 99, 110)", "rgb(154, 164, 175)"
MARKS = {
    "JupyterLab": "document.body.dataset.jpThemeLight = 'false'",
    "VS Code": "document.body.dataset.vscodeThemeKind = 'vscode-dark'",
    "VS Code's high contrast": "document.body.className = 'vscode-high-contrast'",
    "Colab": "document.documentElement.setAttribute('theme', 'dark')",
    "the background": "document.body.style.background = '#222'",
}


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS.keys())
def test_the_theme_of_the_notebook_is_followed_while_it_changes(page, mark):
    show(page, figure=memory(8, 16))
    expect_colour(page, LIGHT)
    page.evaluate(mark)
    expect_colour(page, DARK)


def test_a_theme_that_changes_while_the_page_is_hidden_for_a_moment_is_followed(page):
    show(page, figure=memory(8, 16))
    expect_colour(page, LIGHT)
    page.evaluate("""async () => {
        document.body.hidden = true;
        document.body.dataset.jpThemeLight = "false";
        await null;  // the theme is told of in a microtask, before anything is painted
        document.body.hidden = false;
    }""")
    expect_colour(page, DARK)


def test_the_theme_of_the_system_is_followed_where_the_page_says_nothing(page):
    show(page, figure=memory(8))
    expect_colour(page, LIGHT)
    page.emulate_media(color_scheme="dark")
    expect_colour(page, DARK)


@pytest.mark.parametrize(("theme", "text"), [("light", LIGHT), ("dark", DARK)])
def test_the_trait_outweighs_the_notebook(page, theme, text):
    page.evaluate("theme => { document.body.dataset.jpThemeLight = String(theme === 'dark'); }", theme)
    show(page, figure=memory(8, 16, 32), label="Memory", theme=theme)
    show(page, figure=None, theme=theme, height=80)
    expect_colour(page, text)
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.locator("#view-0").hover()
    page.screenshot(path=ARTIFACTS / f"{theme}.png")

    page.evaluate("host.models[0].set('theme', 'auto')")
    expect_colour(page, DARK if text == LIGHT else LIGHT)
