"""The graph view from afar: a table of contents beside the picture, search, and the way back."""

from itertools import pairwise

import pytest
from browser.graph_page import chain, layer, opened, settle, show, trait, wire
from browser.pictured_states import state
from playwright.sync_api import Page, expect


def fit(page: Page) -> None:
    page.get_by_role("button", name="Fit the graph").click()
    expect(page.locator(".swg-afar")).to_be_visible()
    settle(page)


def test_a_large_graph_is_drawn_from_afar_with_a_few_paths(page):
    show(page, chain(2000))
    fit(page)
    expect(page.locator(".swg-world")).to_be_hidden()
    assert page.locator(".swg-afar path:not(.swg-leader)").count() < 10
    expect(page.locator(".swg-world [data-layer]")).to_have_count(0)
    view = page.locator(".swg-view").bounding_box()
    page.mouse.click(view["x"] + view["width"] / 2, view["y"] + view["height"] / 2)
    expect(page.locator(".swg-afar")).to_be_hidden()
    expect(page.locator(".swg-world [data-layer]").first).to_be_attached()


def test_names_of_groups_can_be_read_from_afar(page):
    show(page, chain(1000))
    layer(page, "n0").focus()
    for _ in range(6):
        page.keyboard.press("-")
    settle(page)
    names = page.locator(".swg-far-name")
    expect(names.first).to_contain_text("b0")
    assert names.first.bounding_box()["height"] == pytest.approx(20, abs=6)


@pytest.mark.parametrize("length", [50, 1000, 5000])
def test_a_chain_that_is_fitted_is_all_in_view_and_no_hair(page, length):
    show(page, chain(length))
    fit(page)
    view, boxes = page.locator(".swg-view").bounding_box(), page.locator(".swg-afar .swg-far").bounding_box()
    assert view["y"] <= boxes["y"]
    assert boxes["y"] + boxes["height"] <= view["y"] + view["height"]
    assert boxes["height"] > 0.8 * view["height"]
    assert boxes["width"] > 6


@pytest.mark.parametrize("direction", ["down", "right"])
def test_names_beside_a_fitted_graph_do_not_touch(page, direction):
    show(page, state("resnet") | {"view_state": {"version": 1, "open": None, "direction": direction}})
    fit(page)
    names = page.locator(".swg-far-name")
    assert names.count() > 10
    along = "f" if direction == "down" else "e"
    places = sorted(names.evaluate_all("(names, along) => names.map(name => name.getCTM()[along])", along))
    assert all(after - before > 12 for before, after in pairwise(places))
    for stage in ("layer1", "layer4"):
        expect(names.filter(has_text=stage)).to_contain_text("Sequential")


def test_a_clash_is_named_from_afar_with_its_sizes(page):
    show(page, state("bert"))
    fit(page)
    name = page.locator(".swg-far-name.swg-is-mismatch", has_text="down")
    expect(name).to_contain_text("✕ down")
    expect(name).to_contain_text("4·width = 128 ≠ 96")


def test_a_click_on_a_name_goes_to_what_it_names(page):
    show(page, state("resnet"))
    fit(page)
    page.locator(".swg-far-name", has_text="layer3").click()
    assert trait(page, "selection") == "layer3"
    expect(page.locator(".swg-afar")).to_be_hidden()
    expect(layer(page, "layer3")).to_be_in_viewport()


def test_a_search_from_afar_names_what_it_finds_and_ticks_it_on_the_map(page):
    show(page, state("resnet"))
    fit(page)
    page.get_by_label("Find a layer").fill("downsample.1")
    names = page.locator(".swg-far-name")
    expect(names).to_have_count(4)  # the layer itself, and the closed blocks that hold the others
    expect(names.filter(has_text="Bottleneck")).to_have_count(3)
    expect(page.locator(".swg-tick")).not_to_have_count(0)
    page.get_by_label("Find a layer").fill("")
    expect(page.locator(".swg-tick")).to_have_count(0)
    expect(names.nth(10)).to_be_attached()


def test_a_search_dims_chips_badges_and_lines_with_their_boxes(page):
    show(page, wire("elmo"))
    page.get_by_label("Find a layer").fill("head.out")
    dimmed = page.locator("[data-of='bilm.cat']")
    expect(dimmed).to_have_class("swg-dim")
    expect(dimmed.locator(".swg-chip")).not_to_have_count(0)
    expect(page.locator("[data-of='tagger.head.out']")).not_to_have_class("swg-dim")
    assert (
        page.locator(".swg-world .swg-edge:not(.swg-dim)").count()
        < page.locator(".swg-world .swg-edge.swg-dim").count()
    )


def test_the_keyboard_goes_on_from_afar(page):
    show(page, opened("elmo"))
    layer(page, "tagger.head").focus()
    fit(page)
    page.locator(".swg-svg").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".swg-afar")).to_be_hidden()
    expect(page.locator(".swg-node:focus")).to_be_in_viewport()


def test_the_focus_stays_in_the_graph_when_it_is_zoomed_out(page):
    show(page, opened("elmo"))
    layer(page, "tagger.head").focus()
    for _ in range(8):
        page.keyboard.press("-")
    expect(page.locator(".swg-svg")).to_be_focused()
    expect(page.locator(".swg-svg")).to_have_attribute("tabindex", "0")


def test_the_map_lies_beside_the_graph_and_not_over_it(page):
    show(page, state("gpt2"))
    room = page.locator(".swg-map").bounding_box()
    fit(page)
    drawn = page.locator(".swg-afar").bounding_box()
    assert drawn["x"] + drawn["width"] <= room["x"]
    page.locator(".swg-far-name").first.click()
    settle(page)
    box = page.locator(".swg-node.swg-selected").bounding_box()
    assert box["x"] + box["width"] <= room["x"]


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "\u05e9\u05dc\u05d5\u05dd", "x" * 3000])
def test_any_name_is_text_from_afar_and_whole_in_a_tooltip(page, name):
    traits = chain(300)
    traits["graph"]["layers"][0] |= {"name": name}
    show(page, traits, "width: 700px")
    fit(page)
    first = page.locator(".swg-far-name[data-name=b0]")
    assert name in first.evaluate("text => [text.textContent, text.querySelector('title')?.textContent].join()")
    assert first.bounding_box()["width"] < 400


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_names_in_wide_boxes_are_in_the_colour_of_the_text(page, theme):
    traits = state("gpt2")
    groups = [layer["id"] for layer in traits["graph"]["layers"] if layer["kind"] == "group"]
    show(page, traits | {"theme": theme, "view_state": {"version": 1, "open": groups}}, "width: 380px")
    page.locator(".swg-svg").focus()
    for _ in range(4):
        page.keyboard.press("-")
    ink = page.locator(".swg").evaluate("view => getComputedStyle(view).color")
    expect(page.locator(".swg-far-name", has_text="GPTBlock").first).to_have_css("fill", ink)


def test_a_fitted_graph_is_fitted_again_in_a_larger_view(page):
    show(page, state("resnet"))
    fit(page)
    before = page.locator(".swg-afar .swg-far").bounding_box()["height"]
    page.evaluate("host.models[0].receive({ height: 700 })")
    expect(page.locator(".swg")).to_have_css("height", "700px")
    page.wait_for_function(
        "least => document.querySelector('.swg-afar .swg-far')?.getBoundingClientRect().height > least",
        arg=1.2 * before,
    )


def test_names_tell_the_value_that_the_colours_show(page):
    show(page, state("resnet") | {"colour_by": "device"})
    fit(page)
    expect(page.locator(".swg-far-name", has_text="conv1").first).to_contain_text("cpu")
