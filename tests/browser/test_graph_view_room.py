"""Whether all that is drawn of eight models has its own room, in both directions and in the colours with values."""

import pytest
from browser.graph_page import show, wire
from browser.pictured_states import NAMES, state
from playwright.sync_api import expect

OVERLAPS = """() => {
    const all = [...document.querySelectorAll(
        ".swg-world :is(.swg-node:not(.swg-header) > .swg-box, .swg-chip > rect, .swg-badge > rect)"
    )];
    const boxes = all.map(element => [element.parentElement.textContent, element.getBoundingClientRect()]);
    const apart = (a, b) =>
        a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
    return boxes.flatMap(([name, box], place) =>
        boxes.slice(place + 1).filter(([, other]) => !apart(box, other)).map(([other]) => `${name} over ${other}`));
}"""

OUTSIDE = """() => [...document.querySelectorAll(".swg-world :is(.swg-box, .swg-chip > rect, .swg-badge > rect)")]
    .flatMap(rect => {
        const { left, right } = rect.getBoundingClientRect();
        const signs = [...rect.parentElement.querySelectorAll(".swg-sign")].map(sign => sign.getBoundingClientRect());
        return [...rect.parentElement.querySelectorAll(":scope > text")].filter(text => {
            const line = text.getBoundingClientRect();
            const isCrossed = signs.some(sign => sign.left < line.right && sign.bottom > line.top + 2);
            return line.left < left || line.right > right || isCrossed;
        }).map(text => text.textContent);
    })"""


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("name", NAMES)
def test_no_box_chip_or_badge_lies_over_another_and_no_text_leaves_its_box(page, name, direction):
    show(page, state(name) | {"view_state": {"version": 1, "open": None, "direction": direction}})
    expect(page.locator(".swg-world [data-layer]").first).to_be_attached()
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(OUTSIDE) == []


@pytest.mark.parametrize("direction", ["down", "right"])
def test_a_function_in_trouble_has_room_for_its_sign(page, direction):
    wired = wire("tagger", view_state={"version": 1, "open": None, "direction": direction})
    head = next(each for each in wired["graph"]["layers"] if each["id"] == "head")
    head |= {"kind": "operation", "name": "add", "type": "Add", "signature": ""}
    show(page, wired)
    expect(page.locator('[data-layer="head"] .swg-sign')).to_be_visible()
    assert page.evaluate(OUTSIDE) == []


def test_from_left_to_right_chips_stand_above_their_boxes_and_badges_below(page):
    show(page, state("densenet") | {"view_state": {"version": 1, "open": None, "direction": "right"}})
    box = page.locator('[data-layer="transition.0"] > .swg-box').bounding_box()
    badge = page.locator('.swg-badge[data-at="transition.0"]').bounding_box()
    chip = page.locator(".swg-chip", has_text="(B, 24, 16, 16)").bounding_box()
    assert chip["y"] + chip["height"] < box["y"]
    assert badge["y"] > box["y"] + box["height"]
