"""What the graph says at a glance: equal blocks folded, problems that no line shows, and colours."""

import pytest
from browser.graph_page import layer, receive, show, trait, wire
from playwright.sync_api import expect


def blocks(count: int, broken: int | None = None) -> dict:
    """A chain of equal blocks of two layers; one of them may have a mismatch in it."""
    state = wire("tagger")
    like = state["graph"]
    given, group, leaf, edge = like["layers"][0], like["layers"][1], like["layers"][4], like["edges"][0]
    layers, edges, before = [given], [], given["id"]
    for index in range(count):
        layers.append(group | {"id": f"h.{index}", "name": str(index), "type": "Block", "state": "agree"})
        for name in ("up", "down"):
            id_ = f"h.{index}.{name}"
            clash = name == "down" and index == broken
            mark = {"state": "mismatch", "badge": "96 ≠ 32"} if clash else {"state": "agree", "badge": ""}
            layers.append(leaf | {"id": id_, "name": name, "parent": f"h.{index}", "state": mark["state"]})
            edges.append(edge | mark | {"id": f"{before}-{id_}", "source": before, "target": id_, "tensor": 0})
            before = id_
    state["graph"] = like | {"title": "Blocks", "layers": layers, "edges": edges, "findings": []}
    return state


def test_equal_blocks_are_the_first_and_a_stack_of_the_others(page):
    show(page, blocks(12))
    stack = layer(page, "h.1 … h.11")
    expect(stack).to_contain_text("1 … 11")
    expect(stack).to_contain_text("11 × Block")
    expect(stack).to_contain_text("same as 0")
    expect(page.locator(".swg-world [data-layer]")).to_have_count(5)
    stack.locator(".swg-box").click()
    expect(layer(page, "h.11")).to_be_attached()
    expect(page.locator(".swg-panel")).to_contain_text("11 blocks, each the same as 0")
    page.locator(".swg-panel .swg-link").click()
    assert trait(page, "selection") == "h.0"


def test_a_broken_block_falls_out_of_its_run(page):
    show(page, blocks(12, broken=7))
    expect(layer(page, "h.7.down")).to_be_in_viewport()
    expect(layer(page, "h.1 … h.6")).to_be_attached()
    expect(layer(page, "h.9 … h.11")).to_be_attached()
    expect(layer(page, "h.1 … h.6")).not_to_contain_text("✕")
    expect(page.get_by_role("button", name="next problem")).to_have_text("✕ 1 mismatch")


def test_what_is_found_in_a_folded_block_can_be_gone_to(page):
    show(page, blocks(12))
    page.get_by_label("Find a layer").fill("h.9.up")
    expect(layer(page, "h.9.up")).to_be_in_viewport()
    expect(layer(page, "h.9.up")).to_have_class("swg-node swg-layer swg-is-agree swg-found")


def test_a_finding_without_a_line_is_a_problem_like_the_others(page):
    state = wire("tagger")
    finding = state["graph"]["findings"][0]
    state["graph"]["findings"].append(
        finding | {"edges": [], "layer": "", "place": "the data loader", "severity": "coincidence", "reason": "Odd."}
    )
    show(page, state)
    page.locator(".swg-svg").focus()
    page.keyboard.press("n")
    page.keyboard.press("n")
    assert trait(page, "selection") == "finding 1"
    expect(page.locator(".swg-panel h3")).to_have_text("the data loader")
    expect(page.locator(".swg-panel")).to_contain_text("Odd.")
    page.get_by_role("button", name="All findings").click()
    page.get_by_role("button", name="≈ 1 without a line").click()
    expect(page.locator(".swg-panel h3")).to_have_text("the data loader")


def test_a_layer_whose_finding_has_no_line_shows_it(page):
    state = wire("tagger")
    finding = state["graph"]["findings"][0]
    state["graph"]["findings"] = [finding | {"edges": [], "layer": "encoder.lstm", "severity": "coincidence"}]
    state["graph"]["edges"][2] |= {"state": "agree", "badge": ""}
    show(page, state)
    expect(layer(page, "encoder.lstm").locator(".swg-sign")).to_have_text("≈")
    expect(page.get_by_role("button", name="next problem")).to_have_text("≈ 1 by coincidence")
    page.get_by_role("button", name="next problem").click()
    assert trait(page, "selection") == "encoder.lstm"


def test_a_note_on_sizes_that_agree_by_coincidence_looks_as_their_edge_does(page):
    state = wire("tagger")
    finding = state["graph"]["findings"][0]
    state["graph"]["findings"] = [finding | {"edges": [], "layer": "head", "severity": "note"}]
    state["graph"]["edges"][2] |= {"state": "coincidence"}
    show(page, state)
    card = page.locator(".swg-finding")
    expect(card).to_have_class("swg-finding swg-is-coincidence")
    expect(card).to_contain_text("≈")


def test_the_legend_switches_a_state_off_and_on(page):
    show(page, wire("elmo"))
    agreeing = page.locator(".swg-legend").get_by_role("button", name="✓")
    agreeing.click()
    expect(agreeing).to_have_attribute("aria-pressed", "false")
    assert page.locator(".swg-edge.swg-dim").count() == page.locator(".swg-world .swg-edge.swg-is-agree").count() > 3
    expect(page.locator(".swg-world .swg-edge.swg-is-mismatch.swg-dim")).to_have_count(0)
    agreeing.click()
    expect(page.locator(".swg-dim")).to_have_count(0)


def test_the_pointer_on_an_edge_shows_both_ends(page):
    show(page, wire("elmo"))
    page.locator('.swg-edge[data-state="mismatch"] .swg-hit').first.dispatch_event("pointerover")
    ends = page.locator(".swg-end").evaluate_all("ends => ends.map(end => end.dataset.layer)")
    assert sorted(ends) == ["bilm.cat", "tagger.head.projection"]
    page.locator(".swg-svg").dispatch_event("pointerover")
    expect(page.locator(".swg-end")).to_have_count(0)


def test_colours_by_memory_have_a_scale_with_units_and_a_value_on_each_box(page):
    state = wire("tagger")
    for place, each in enumerate(state["graph"]["layers"]):
        if each["kind"] == "layer":
            each["memory"] = 2 ** (10 + 4 * place)
    show(page, state)
    page.get_by_label("Colour by").select_option("memory")
    assert trait(page, "colour_by") == "memory"
    legend = page.locator(".swg-legend")
    expect(legend).to_contain_text("Kept for the backward pass")
    expect(legend.locator("button")).to_have_text(["to 2.56 MiB", "to 10.2 MiB", "to 23 MiB", "to 41 MiB", "to 64 MiB"])
    expect(layer(page, "head")).to_contain_text("64 MiB")
    colour = layer(page, "head").locator(".swg-box").evaluate("box => getComputedStyle(box).fill")
    swatch = legend.locator(".swg-swatch").last.evaluate("swatch => getComputedStyle(swatch).backgroundColor")
    assert colour == swatch
    legend.get_by_role("button", name="to 64 MiB").click()
    expect(page.locator(".swg-node.swg-dim")).to_have_count(1)
    receive(page, colour_by="time")
    expect(legend).to_contain_text("not measured yet")
    expect(page.locator(".swg-toned, .swg-dim")).to_have_count(0)


@pytest.mark.parametrize(("by", "values"), [("dtype", ["float32", "int64"]), ("device", ["cpu", "cuda:0"])])
def test_colours_by_kind_have_one_for_each_that_occurs(page, by, values):
    state = wire("tagger", colour_by=by)
    state["tensors"][0]["device"] = "cuda:0"
    show(page, state)
    expect(page.locator(".swg-legend button")).to_have_text(values)
    expect(layer(page, "ids")).to_contain_text(values[1])
    expect(page.locator(".swg-toned")).to_have_count(4)


def test_a_value_that_left_the_framework_is_drawn_so_and_told(page):
    state = wire("tagger")
    state["graph"]["edges"][1]["escaped"] = True
    show(page, state)
    expect(page.locator(".swg-world .swg-escaped")).to_have_count(1)
    expect(page.locator(".swg-legend")).to_contain_text("left the framework")


def test_a_chip_behind_a_mismatch_looks_assumed(page):
    show(page, wire("elmo"))
    assumed = page.locator(".swg-chip.swg-assumed")
    expect(assumed).to_have_count(2)
    expect(assumed.first.locator("rect")).to_have_css("stroke-dasharray", "3px, 3px")
