"""Moving through the graph: directions, the map, a large graph from afar, fingers, the whole screen."""

import re

import pytest
from browser.graph_page import chain, choose, layer, opened, receive, settle, show, trait, transform, wire
from playwright.sync_api import Page, expect


def middle(page: Page, id_: str) -> tuple[float, float]:
    box = layer(page, id_).locator(".swg-box").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_graph_can_run_from_left_to_right_and_the_kernel_is_told(page):
    show(page, wire("tagger"))
    choose(page, "Turn the graph")
    (x1, y1), (x2, y2) = middle(page, "encoder.embedding"), middle(page, "encoder.lstm")
    assert x2 > x1 + 50
    assert y2 == pytest.approx(y1, abs=1)
    page.wait_for_function("host.models[0].get('view_state').direction === 'right'")
    receive(page, view_state={"version": 1, "open": None})
    (x1, y1), (x2, y2) = middle(page, "encoder.embedding"), middle(page, "encoder.lstm")
    assert x2 == pytest.approx(x1, abs=1)
    assert y2 > y1 + 50


def test_nothing_overlaps_from_left_to_right(page):
    show(page, wire("elmo", view_state={"version": 1, "open": None, "direction": "right"}))
    choose(page, "Open all groups")
    boxes = page.locator(".swg-world :is(.swg-box, .swg-chip > rect, .swg-badge > rect)").evaluate_all(
        "boxes => boxes.map(box => box.getBoundingClientRect()).map(({ left, right, top, bottom }) => "
        "[left, right, top, bottom])"
    )
    assert len(boxes) > 20
    for place, (left, right, top, bottom) in enumerate(boxes):
        for other_left, other_right, other_top, other_bottom in boxes[:place]:
            apart = left >= other_right or right <= other_left or top >= other_bottom or bottom <= other_top
            assert apart


def test_a_header_keeps_its_place_from_left_to_right(page):
    show(page, wire("elmo", view_state={"version": 1, "open": None, "direction": "right"}))
    fold = layer(page, "bilm.encoder").locator(".swg-fold")
    places = [fold.bounding_box()["x"]]
    for _ in range(2):
        fold.dispatch_event("click")
        settle(page)
        places.append(fold.bounding_box()["x"])
    assert places[2] == pytest.approx(places[0], abs=1)


def test_the_map_has_a_tick_for_each_problem_and_moves_the_view(page):
    state = chain(300)
    state["graph"]["edges"][200] |= {"state": "mismatch", "badge": "1 ≠ 2"}
    state["graph"]["edges"][20] |= {"state": "coincidence", "badge": "B = 2"}
    show(page, state)
    ticks = page.locator(".swg-tick")
    expect(ticks).to_have_count(2)
    box = page.locator(".swg-map > svg").bounding_box()
    heights = {
        state: page.locator(f".swg-tick.swg-is-{state}").bounding_box()["y"] for state in ("mismatch", "coincidence")
    }
    assert heights["coincidence"] < heights["mismatch"]
    assert heights["mismatch"] == pytest.approx(box["y"] + box["height"] * 201 / 300, abs=box["height"] / 20)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2)
    expect(layer(page, "n299")).to_be_in_viewport()


def test_there_is_no_map_where_it_would_be_in_the_way(page):
    show(page, wire("tagger"))
    expect(page.locator(".swg-map")).to_be_hidden()
    show(page, chain(300), "width: 440px")
    expect(page.locator("#view-1 .swg-map")).to_be_hidden()


def touch(page: Page, *steps: list[tuple[int, int]]) -> None:
    """Put as many fingers on the graph as each step has places, move them, and lift them."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    view = page.locator(".swg-view").bounding_box()
    for place, fingers in enumerate([*steps, []]):
        kind = "touchEnd" if not fingers else "touchMove" if place else "touchStart"
        points = [{"x": view["x"] + x, "y": view["y"] + y, "id": id_} for id_, (x, y) in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    settle(page)


def scale(page: Page) -> float:
    return float(re.search(r"scale\((.*)\)", transform(page))[1])


def test_two_fingers_zoom_and_one_scrolls_the_notebook(page):
    show(page, wire("tagger"))
    before = transform(page)
    touch(page, [(200, 200)], [(200, 230)], [(200, 260)])
    assert transform(page) == before
    start = scale(page)
    touch(page, [(200, 200), (300, 200)], [(180, 200), (320, 200)], [(150, 200), (350, 200)])
    assert scale(page) > 1.2 * start


def test_one_finger_moves_a_graph_that_has_the_focus(page):
    show(page, wire("tagger"))
    page.locator(".swg-svg").focus()
    before = transform(page)
    touch(page, [(200, 200)], [(200, 230)], [(200, 260)])
    assert transform(page) != before


def test_the_whole_screen_can_be_used(page):
    show(page, wire("tagger"))
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement !== null")
    page.wait_for_function("Math.abs(document.querySelector('.swg').getBoundingClientRect().height - innerHeight) <= 1")
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement === null")


def test_enter_in_the_search_goes_from_one_to_the_next(page):
    show(page, wire("elmo"))
    search = page.get_by_label("Find a layer")
    search.fill("lstm")
    visited = []
    for _ in range(3):
        search.press("Enter")
        visited.append(trait(page, "selection"))
    assert visited == ["bilm.forward_stack.0", "bilm.forward_stack.1", "bilm.backward_stack.0"]


def test_boxes_move_from_where_they_were_unless_motion_is_not_wanted(page):
    show(page, wire("elmo"))
    head = layer(page, "tagger.head").locator(".swg-fold")
    animations = (
        "head => { head.dispatchEvent(new Event('click', { bubbles: true })); return document.getAnimations().length; }"
    )
    assert head.evaluate(animations) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert head.evaluate(animations) > 0


def test_the_groups_whose_titles_are_above_the_view_are_named(page):
    show(page, wire("elmo"))
    where = page.locator(".swg-where")
    page.get_by_role("button", name="Fit the graph").click()
    expect(where).to_be_hidden()
    page.get_by_label("Find a layer").fill("tagger.head.out")
    page.get_by_label("Find a layer").press("Enter")
    layer(page, "tagger.head.out").focus()
    page.keyboard.press("ArrowUp")
    for _ in range(8):
        page.keyboard.press("+")
    expect(where).to_have_text("tagger › head")


def test_what_looks_as_before_is_moved_and_not_made_again(page):
    show(page, wire("elmo"))
    parts = page.locator(".swg-world :is([data-layer], [data-edge], [data-tensor])")
    parts.evaluate_all("parts => parts.forEach(part => { part.isOld = true; })")
    before = layer(page, "output").get_attribute("transform")
    layer(page, "bilm").locator(".swg-fold").first.dispatch_event("click")
    expect(layer(page, "bilm")).to_have_attribute("aria-expanded", "false")
    expect(layer(page, "bilm")).to_be_focused()
    assert layer(page, "output").get_attribute("transform") != before
    for id_ in ("tagger.head.projection", "tagger.head.dropout", "output"):
        assert layer(page, id_).evaluate("part => part.isOld") is True
    assert layer(page, "bilm").evaluate("part => part.isOld") is None
    assert page.locator(".swg-badge").evaluate("part => part.isOld") is True


def test_the_title_of_a_group_that_is_wider_than_the_view_stays_in_view(page):
    show(page, opened("elmo"), "width: 420px")
    layer(page, "bilm.cat").focus()
    for _ in range(12):
        page.keyboard.press("+")
    settle(page)
    view = page.locator(".swg-view").bounding_box()
    title = layer(page, "bilm").locator(".swg-fold")
    assert layer(page, "bilm").locator(".swg-veil").bounding_box()["x"] < view["x"]
    assert title.bounding_box()["x"] >= view["x"]
