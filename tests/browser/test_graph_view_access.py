"""The graph for everybody: by keyboard, by ear, in large letters, with the colours of the system."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.graph_page import chain, choose, layer, receive, settle, show, trait, wire
from browser.host_page import host_page
from browser.pictured_states import state
from playwright.sync_api import Page, expect


def complaints(page: Page) -> list[str]:
    """What axe-core finds in the views; the page around them is the notebook's."""
    results = Axe().run(page, context=".swg", options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]})
    return [f"{each['id']}: {node['html'][:200]}" for each in results.response["violations"] for node in each["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["elmo", "translator"])
def test_axe_finds_nothing(page, name, theme):
    show(page, wire(name, theme=theme))
    expect(page.locator(".swg-outline ul").first).to_be_attached()
    assert complaints(page) == []
    page.locator(".swg-badge").first.click()
    page.get_by_label("More").click()
    assert complaints(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_from_afar(page, theme):
    show(page, state("bert") | {"theme": theme})
    page.get_by_role("button", name="Fit the graph").click()
    expect(page.locator(".swg-far-name.swg-is-mismatch").first).to_be_visible()
    assert complaints(page) == []


@pytest.mark.parametrize("by", ["memory", "dtype"])
def test_axe_finds_nothing_in_other_colours(page, by):
    traits = wire("tagger", colour_by=by)
    for place, each in enumerate(traits["graph"]["layers"]):
        each["memory"] = 1000 * 4**place
    show(page, traits, "width: 480px")
    receive(page, problem={"title": "Out of memory", "text": "Take less."})
    assert complaints(page) == []


def test_the_outline_tells_the_graph_in_words(page):
    show(page, wire("elmo"))
    outline = page.get_by_role("group", name="Graph as text")
    expect(outline.locator("p")).to_have_text("ELMo: 1 mismatch.")
    expect(outline.locator("li").first).to_have_text("char_ids input, gives (B, T, C)")
    clash = outline.locator("li li li", has_text="projection Linear")
    expect(clash.last).to_have_text("projection Linear, gives (B, T, dim), mismatch, 2·dim = 1024 ≠ 512")
    expect(outline.locator("[tabindex], button, a")).to_have_count(0)
    assert outline.bounding_box()["width"] <= 1


def test_the_outline_of_a_large_graph_ends_somewhere(page):
    show(page, chain(3000))
    expect(page.locator(".swg-outline li")).to_have_count(1000)


def test_tab_leads_to_one_box_and_arrows_to_the_others(page):
    show(page, wire("elmo"))
    expect(page.locator('.swg-world [tabindex="0"]')).to_have_count(1)
    layer(page, "char_ids").focus()
    seen = set()
    for _ in range(40):
        page.keyboard.press("ArrowDown")
        seen.add(trait(page, "selection"))
    assert {"bilm.cat", "tagger.head.projection", "output"} <= seen
    expect(page.locator('.swg-world [tabindex="0"]')).to_have_count(1)
    page.keyboard.press("ArrowUp")
    expect(layer(page, trait(page, "selection"))).to_be_focused()


def test_the_menu_is_left_by_escape_and_by_tab(page):
    show(page, wire("tagger"))
    summary = page.get_by_label("More")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Save as SVG")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Save as SVG")).to_be_hidden()
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(6):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save as SVG")).to_be_hidden()


def test_text_of_twice_the_size_is_not_cut_off(chromium):
    """At 200 % a window of 1280 pixels is one of 640."""
    with host_page(chromium, "graph_host.js", ["graph_view.js"], width=640) as page:
        show(page, wire("elmo", height=500))
        page.evaluate("document.body.style.zoom = '2'")
        for name in ("Fit the graph into the view", "Full screen", "Go to the next problem"):
            expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="Go to the next problem").click()
        settle(page)
        assert page.locator(".swg").evaluate("view => view.scrollWidth <= view.clientWidth")
        assert page.locator(".swg-panel").evaluate("panel => panel.scrollWidth <= panel.clientWidth")


def test_every_tool_can_be_reached_at_320_pixels(page):
    show(page, wire("elmo"), "width: 320px")
    for name in ("Fit the graph into the view", "Full screen", "Go to the next problem"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    expect(page.get_by_label("Find a layer")).to_be_in_viewport(ratio=1)
    choose(page, "Close all groups")
    expect(layer(page, "bilm")).to_have_attribute("aria-expanded", "false")
    assert page.locator(".swg").evaluate("view => view.scrollWidth <= view.clientWidth")


def test_the_colours_of_the_system_are_used_where_they_are_forced(page):
    page.emulate_media(forced_colors="active")
    show(page, wire("elmo"))
    canvas, text = page.evaluate(
        "() => { const probe = document.createElement('i'); document.body.append(probe);"
        " return ['Canvas', 'CanvasText'].map(name => { probe.style.color = name;"
        " return getComputedStyle(probe).color; }); }"
    )
    expect(page.locator(".swg")).to_have_css("background-color", canvas)
    expect(layer(page, "bilm.cat").locator(".swg-name")).to_have_css("fill", text)
    expect(page.locator(".swg-edge.swg-is-mismatch > .swg-line").first).to_have_css("stroke-width", "4.5px")


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "\u05e9\u05dc\u05d5\u05dd", "\U0001f600\U0001f680", "x" * 3000, "a\nb\tc"]
)
def test_any_name_is_shown_as_it_is_and_cut_with_a_tooltip(page, name):
    state = wire("tagger")
    state["graph"]["layers"][4]["name"] = name
    state["graph"]["title"] = name
    show(page, state)
    shown = layer(page, "head").locator(".swg-name").text_content()
    if len(name) < 36:
        assert shown == name
    else:
        assert len(shown) == 36
        expect(layer(page, "head").locator("title")).to_have_text(name)
    assert layer(page, "head").bounding_box()["width"] < 700
    assert page.locator(".swg").evaluate("view => view.scrollWidth <= view.clientWidth")
    expect(page.locator(".swg img")).to_have_count(0)
