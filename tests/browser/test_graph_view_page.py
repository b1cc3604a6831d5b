"""The bundle of GraphView on a page of its own, without a kernel."""

import base64
import json
import re

import pytest
from browser.graph_page import chain, layer, opened, receive, settle, show, trait, transform, wire
from browser.servers import ROOT
from playwright.sync_api import Page, expect

from shapewidget.notebook.graph_view import packed

ARTIFACTS = ROOT / "artifacts" / "graph_view"
EDGE = "bilm.cat:0 → tagger.head.projection:0"
HOSTILE = "<img src=x onerror=alert(1)>"


def test_the_badge_of_the_red_edge_explains_it(page):
    show(page, wire("elmo"))
    badge = page.locator(".swg-badge")
    expect(badge).to_have_text("✕ 2·dim = 1024 ≠ 512")
    badge.click()
    panel = page.get_by_role("complementary", name="Details")
    expect(panel.get_by_role("heading", level=3)).to_have_text("cat → projection")
    expect(panel).to_contain_text("dim = 512 to 2·dim = 1024; projection was built for 512.")
    expect(panel.locator(".swg-removed")).to_have_text("− self.projection = nn.Linear(dim, dim)")
    expect(panel.locator(".swg-added")).to_have_text("+ self.projection = nn.Linear(2 * dim, dim)")
    expect(panel.locator(".swg-verified")).to_contain_text("run on a copy of the model, and it holds")
    assert trait(page, "selection") == EDGE


def test_a_graph_that_comes_as_deflated_bytes_is_drawn(page):
    state = wire("elmo")
    data = base64.b64encode(packed(state["graph"])).decode()
    page.evaluate(
        """async ([state, data]) => {
            const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0));
            await host.show({ ...state, graph: new DataView(bytes.buffer) });
        }""",
        [state, data],
    )
    expect(page.locator(".swg-badge")).to_have_text("✕ 2·dim = 1024 ≠ 512")
    expect(page.get_by_text("Running the model once…")).to_be_hidden()
    receive(page, graph=None)
    expect(page.get_by_text("Running the model once…")).to_be_visible()


def test_findings_are_listed_and_lead_to_their_edge(page):
    show(page, wire("translator"))
    cards = page.locator(".swg-finding")
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("≈ The layer reads the batch as time")
    cards.first.click()
    assert trait(page, "selection") == "encoder.embedding:0 → encoder.lstm:0"
    expect(page.locator(".swg-edge.swg-selected")).to_have_count(1)
    page.get_by_role("button", name="All findings").click()
    expect(cards).to_have_count(2)
    assert trait(page, "selection") == ""


def test_two_views_of_one_model_stay_in_step(page):
    show(page, wire("elmo"), "width: 600px")
    page.evaluate("host.view(host.models[0])")
    page.locator("#view-0 .swg-badge").click()
    for view in ("#view-0", "#view-1"):
        expect(page.locator(f"{view} .swg-badge.swg-selected")).to_have_count(1)
        expect(page.locator(f"{view} .swg-panel h3")).to_have_text("cat → projection")


def test_an_edge_is_selected_with_its_chip_and_its_badge(page):
    show(page, wire("elmo"))
    layer(page, "bilm.cat").focus()
    page.keyboard.press("n")
    expect(page.locator(".swg-chip.swg-selected")).to_contain_text("(B, T, 2·dim)4 × 20 × 1024")
    expect(page.locator(".swg-badge.swg-selected")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".swg-world .swg-selected")).to_have_count(0)


def test_groups_that_one_view_closes_are_closed_in_the_other(page):
    show(page, wire("tagger"), "width: 600px")
    page.evaluate("host.view(host.models[0])")
    other = page.locator('#view-1 [data-layer="encoder"]')
    expect(other).to_have_attribute("aria-expanded", "true")
    page.locator("#view-0").get_by_role("button", name="Fit the graph").click()
    page.locator('#view-0 [data-layer="encoder"] .swg-name').click()
    expect(other).to_have_attribute("aria-expanded", "false")
    receive(page, view_state={"version": 1, "open": ["encoder"]})
    for view in ("#view-0", "#view-1"):
        expect(page.locator(f'{view} [data-layer="encoder"]')).to_have_attribute("aria-expanded", "true")


def test_a_closed_view_leaves_nothing_behind(page):
    show(page, wire("elmo"))
    expect(page.locator(".swg-badge")).to_be_visible()
    page.evaluate("host.closers[0]()")
    assert page.evaluate("host.models[0].listeners") == []
    expect(page.locator("#view-0")).to_be_empty()


def test_the_theme_is_the_traits_or_else_the_notebooks(page):
    show(page, wire("tagger"))
    view = page.locator(".swg")
    expect(view).to_have_css("background-color", "rgb(255, 255, 255)")
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    expect(view).to_have_css("background-color", "rgb(22, 25, 29)")
    receive(page, theme="light")
    expect(view).to_have_css("background-color", "rgb(255, 255, 255)")


def test_n_and_p_go_through_the_problems_and_round(page):
    state = wire("elmo")
    edges = state["graph"]["edges"]
    edges[0]["state"] = edges[3]["state"] = "coincidence"
    show(page, state)
    page.locator(".swg-svg").focus()
    visited = []
    for key in "nnnnpp":
        page.keyboard.press(key)
        visited.append(trait(page, "selection"))
    order = [EDGE, edges[0]["id"], edges[3]["id"]]
    assert visited == [*order, order[0], order[2], order[1]]


def test_arrows_walk_along_the_edges(page):
    show(page, wire("tagger"))
    page.locator(".swg-svg").focus()
    layer(page, "ids").focus()
    for key, id_ in [
        ("ArrowDown", "encoder.embedding"),
        ("ArrowDown", "encoder.lstm"),
        ("ArrowDown", "head"),
        ("ArrowUp", "encoder.lstm"),
    ]:
        page.keyboard.press(key)
        assert trait(page, "selection") == id_
        expect(layer(page, id_)).to_be_focused()


def test_enter_opens_a_group_and_escape_clears(page):
    show(page, wire("elmo"))
    highway = layer(page, "bilm.encoder.highway")
    expect(highway).to_have_attribute("aria-expanded", "true")
    highway.focus()
    page.keyboard.press("Enter")
    expect(highway).to_have_attribute("aria-expanded", "false")
    expect(highway).to_be_focused()
    page.keyboard.press("Enter")
    expect(highway).to_have_attribute("aria-expanded", "true")
    assert trait(page, "selection") == "bilm.encoder.highway"
    page.keyboard.press("Escape")
    assert trait(page, "selection") == ""


def test_what_a_person_opened_is_told_to_the_kernel(page):
    show(page, wire("tagger"))
    page.get_by_role("button", name="Fit the graph").click()
    layer(page, "encoder").locator(".swg-name").click()
    page.wait_for_function("host.models[0].get('view_state').open !== null")
    assert trait(page, "view_state") == {"version": 1, "open": []}


def test_a_group_that_hides_a_problem_stays_closed_when_the_view_gets_another_size(page):
    show(page, wire("tagger"), "width: 600px")
    page.get_by_role("button", name="Fit the graph").click()
    layer(page, "encoder").locator(".swg-name").click()
    page.locator("#view-0").evaluate("view => { view.style = 'width: 500px'; }")
    expect(page.locator(".swg")).to_have_css("width", "500px")
    settle(page)
    expect(layer(page, "encoder")).to_have_attribute("aria-expanded", "false")


def test_what_was_gone_to_stays_in_view_beside_the_panel(page):
    show(page, wire("elmo"), "width: 480px")
    page.locator(".swg-finding").click()
    badge = page.locator(".swg-badge")
    settle(page)
    graph, box = page.locator(".swg-view").bounding_box(), badge.bounding_box()
    assert graph["y"] <= box["y"]
    assert box["y"] + box["height"] <= graph["y"] + graph["height"]
    assert box["x"] + box["width"] / 2 == pytest.approx(graph["x"] + graph["width"] / 2, abs=40)


def test_typing_in_the_search_is_no_shortcut(page):
    show(page, wire("elmo"))
    page.locator(".swg-svg").focus()
    page.keyboard.press("/")
    search = page.get_by_label("Find a layer")
    expect(search).to_be_focused()
    page.keyboard.type("np0 ")
    expect(search).to_have_value("np0 ")
    assert trait(page, "selection") == ""
    search.fill("lstm")
    expect(page.get_by_text("4 found")).to_be_visible()
    expect(layer(page, "bilm.cat")).to_have_class(re.compile("swg-dim"))
    page.keyboard.press("Escape")
    expect(search).to_have_value("")
    expect(page.locator(".swg-dim")).to_have_count(0)


def test_new_sizes_change_numbers_and_move_nothing(page):
    state = wire("tagger")
    show(page, state)
    before = transform(page)
    expect(page.locator('[data-tensor="2"]')).to_contain_text("4 × 10 × 64")
    state["tensors"][2]["shape"] = [8, 10, 64]
    receive(page, tensors=state["tensors"], sizes=state["sizes"] | {"B": 8})
    expect(page.locator('[data-tensor="2"]')).to_contain_text("8 × 10 × 64")
    expect(page.get_by_role("row", name="B 8 batch size")).to_be_visible()
    assert transform(page) == before


def test_new_sizes_leave_the_focus_where_it_is(page):
    state = wire("tagger")
    show(page, state)
    layer(page, "head").focus()
    state["tensors"][2]["shape"] = [8, 10, 64]
    receive(page, tensors=state["tensors"])
    expect(page.locator('[data-tensor="2"]')).to_contain_text("8 × 10 × 64")
    expect(layer(page, "head")).to_be_focused()


def test_keys_of_the_browser_stay_with_the_browser(page):
    show(page, wire("tagger"))
    layer(page, "head").focus()
    for key in ("Control+p", "Control+n", "Meta+0", "Alt+ArrowDown"):
        page.keyboard.press(key)
    assert trait(page, "selection") == ""
    expect(layer(page, "head")).to_be_focused()


def test_what_lies_behind_a_mismatch_is_told_in_the_legend(page):
    show(page, wire("elmo"))
    expect(page.locator(".swg-legend")).to_contain_text("behind a mismatch")
    show(page, wire("translator"))
    expect(page.locator("#view-1 .swg-legend")).not_to_contain_text("behind a mismatch")


def test_of_a_thousand_layers_only_those_near_the_view_are_drawn(page):
    show(page, chain(1000))
    near = page.locator(".swg-world [data-layer]")
    assert 3 < near.count() < 100
    expect(layer(page, "n0")).to_be_in_viewport()
    expect(layer(page, "n500")).not_to_be_attached()
    page.get_by_label("Find a layer").fill("n500")
    expect(layer(page, "n500")).to_be_in_viewport()
    expect(layer(page, "n0")).not_to_be_attached()
    order = near.evaluate_all("layers => layers.map(each => each.dataset.layer)")
    drawn = [int(id_[1:]) for id_ in order if id_.startswith("n")]
    assert drawn == sorted(drawn)


def test_the_keyboard_walks_out_of_what_is_drawn(page):
    show(page, chain(1000))
    layer(page, "n0").focus()
    for _ in range(30):
        page.keyboard.press("ArrowDown")
    assert trait(page, "selection") == "n30"
    expect(layer(page, "n30")).to_be_focused()
    expect(layer(page, "n30")).to_be_in_viewport()


def test_names_of_a_model_are_text_wherever_they_stand(page):
    text = json.dumps(wire("elmo"))
    for name in ("projection", "tagger", "ELMo", "dim", "Tagger", "Linear", "float32", "self.projection"):
        text = re.sub(rf"(?<=[\" (]){re.escape(name)}(?=[\" )])", HOSTILE, text)
    show(page, json.loads(text))
    expect(page.locator(".swg-model")).to_have_text(HOSTILE)
    expect(page.locator(".swg-chip", has_text=HOSTILE).first).to_be_attached()
    page.locator(".swg-badge").click()
    expect(page.locator(".swg-panel h3")).to_have_text(f"cat → {HOSTILE}")
    for title in ("edge", "chip"):
        expect(page.locator(f".swg-{title} title", has_text=HOSTILE).first).to_be_attached()
    page.locator(".swg-panel .swg-link").last.click()
    expect(page.locator(".swg-panel td", has_text=HOSTILE).first).to_be_visible()
    receive(page, problem={"title": HOSTILE, "text": HOSTILE}, status={"state": "busy", "text": HOSTILE, "progress": 0})
    expect(page.get_by_role("alert")).to_contain_text(HOSTILE)
    expect(page.locator(".swg img")).to_have_count(0)


def test_a_state_of_a_later_version_is_drawn_as_not_reached(page):
    state = wire("tagger")
    state["graph"]["edges"][1]["state"] = state["graph"]["layers"][3]["state"] = "quantised"
    show(page, state)
    expect(page.locator(".swg-world .swg-edge.swg-is-unreached")).to_have_count(1)
    expect(page.get_by_role("button", name="? 1 not reached")).to_be_visible()


def test_a_narrow_view_has_the_panel_below_the_graph(page):
    show(page, wire("elmo"), "width: 480px")
    page.locator(".swg-badge").click()
    settle(page)
    view, panel = page.locator(".swg").bounding_box(), page.locator(".swg-panel").bounding_box()
    graph = page.locator(".swg-view").bounding_box()
    assert panel["x"] >= view["x"]
    assert panel["x"] + panel["width"] <= view["x"] + view["width"]
    assert panel["width"] == pytest.approx(view["width"], abs=3)
    assert panel["y"] >= graph["y"] + graph["height"] - 1
    badge = page.locator(".swg-badge").bounding_box()
    assert badge["y"] + badge["height"] <= panel["y"]


@pytest.mark.parametrize("id_", ["bilm.encoder", "bilm.encoder.highway", "tagger"])
def test_a_group_that_opens_or_closes_keeps_its_header_in_place(page, id_):
    show(page, opened("elmo"))
    title = layer(page, id_).locator(".swg-name").first
    places = [title.bounding_box()["y"]]
    for _ in range(2):
        layer(page, id_).locator(".swg-fold").dispatch_event("click")
        settle(page)
        places.append(title.bounding_box()["y"])
    assert places[2] == pytest.approx(places[0], abs=1)
    expect(layer(page, id_)).to_have_attribute("aria-expanded", "true")


def is_fitted(page: Page) -> bool:
    """Whether the whole picture is in the view."""
    world, view = page.locator(".swg-world").bounding_box(), page.locator(".swg-view").bounding_box()
    return all(
        view[start] - 1 <= world[start] and world[start] + world[size] <= view[start] + view[size] + 1
        for start, size in (("x", "width"), ("y", "height"))
    )


def test_a_hidden_view_is_fitted_when_it_gets_a_size_and_when_it_grows(page):
    show(page, wire("tagger", height=800), "display: none")
    page.locator("#view-0").evaluate("view => { view.style = 'width: 700px'; }")
    page.wait_for_function("document.querySelector('.swg-world').getAttribute('transform')")
    expect(page.locator(".swg-badge")).to_be_visible()
    settle(page)
    assert is_fitted(page)
    small = transform(page)
    receive(page, height=860)
    expect(page.locator(".swg-world")).not_to_have_attribute("transform", small)
    settle(page)
    assert is_fitted(page)


def test_a_picture_that_a_person_moved_stays_when_the_view_grows(page):
    show(page, wire("tagger"), "width: 800px")
    box = page.locator(".swg-view").bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 40, steps=4)
    page.mouse.up()
    settle(page)
    moved = transform(page)
    page.locator("#view-0").evaluate("view => { view.style = 'width: 1000px'; }")
    expect(page.locator("#view-0")).to_have_css("width", "1000px")
    settle(page)
    assert transform(page) == moved


def test_the_wheel_zooms_only_where_the_view_has_the_focus(page):
    show(page, wire("tagger"))
    before = transform(page)
    box = page.locator(".swg-view").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.wheel(0, -100)
    expect(page.locator(".swg-hint")).to_have_class(re.compile("swg-on"))
    assert transform(page) == before
    page.mouse.click(box["x"] + 10, box["y"] + 10)
    page.mouse.wheel(0, -100)
    expect(page.locator(".swg-world")).not_to_have_attribute("transform", before)


def test_a_problem_is_shown_until_it_is_put_away(page):
    show(page, wire("tagger"))
    problem = page.get_by_role("alert")
    expect(problem).to_be_hidden()
    receive(page, problem={"title": "Out of memory", "text": "Take a smaller batch."})
    expect(problem).to_contain_text("Out of memory")
    page.get_by_role("button", name="Put this message away").click()
    expect(problem).to_be_hidden()
    receive(page, problem={"title": "Again", "text": ""})
    expect(problem).to_contain_text("Again")


def test_what_the_kernel_does_is_shown(page):
    show(page, wire("tagger"))
    status = page.get_by_role("status")
    expect(status).to_have_text("")
    receive(page, status={"state": "busy", "text": "measuring at B = 64", "progress": 0.5})
    expect(status).to_have_text("measuring at B = 64")
    expect(page.locator(".swg-progress > div")).to_have_attribute("style", "width: 50%;")
    receive(page, status={"state": "ready", "text": "", "progress": None})
    expect(status).to_have_text("")


def test_a_view_waits_for_its_graph(page):
    state = wire("tagger")
    show(page, {"graph": None})
    expect(page.get_by_text("Running the model once…")).to_be_visible()
    expect(page.locator(".swg-view")).to_be_hidden()
    receive(page, graph=state["graph"], tensors=state["tensors"], sizes=state["sizes"])
    expect(page.get_by_text("Running the model once…")).to_be_hidden()
    expect(page.locator(".swg-badge")).to_be_visible()


def test_a_graph_without_layers_is_not_said_to_agree(page):
    state = wire("tagger")
    state["graph"] |= {"layers": [], "edges": [], "findings": [], "notice": "The block ran no layer."}
    show(page, state | {"tensors": []})
    panel = page.get_by_role("complementary", name="Details")
    expect(panel.get_by_role("heading", name="Nothing was recorded")).to_be_visible()
    expect(panel).to_contain_text("The block ran no layer.")
    expect(panel).not_to_contain_text("agree")
    expect(page.get_by_role("group", name="Graph as text")).to_have_text("Tagger: nothing was recorded.")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["elmo", "translator"])
def test_nothing_lies_beside_the_view(page, theme, name):
    page.evaluate("theme => { document.body.dataset.jpThemeLight = String(theme === 'light'); }", theme)
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    show(page, wire(name))
    for width in (1160, 480):
        page.locator("#view-0").evaluate("(view, width) => { view.style = `width: ${width}px`; }", width)
        page.locator(".swg-badge").first.dispatch_event("click")
        expect(page.locator(".swg-panel h3")).to_be_visible()
        settle(page)
        assert page.locator(".swg").evaluate("view => view.scrollWidth <= view.clientWidth")
        assert page.locator(".swg-panel").evaluate("panel => panel.scrollWidth <= panel.clientWidth")
        page.locator("#view-0").screenshot(path=ARTIFACTS / f"{name}-{theme}-{width}.png")
