"""The bundle of GraphView on a page of its own, without a kernel."""

import json

import pytest
from browser.host_page import host_page
from browser.servers import ROOT
from playwright.sync_api import Page, expect
from wire_fixtures import path_of

ARTIFACTS = ROOT / "artifacts" / "graph_view"
expect.set_options(timeout=10_000)
EDGE = "bilm.cat:0 → tagger.head.projection:0"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def page(chromium):
    with host_page(chromium, "graph_host.js", ["graph_view.js"], width=1200) as page:
        page.emulate_media(reduced_motion="reduce")
        yield page


def wire(name: str, **traits) -> dict:
    return json.loads(path_of(name).read_text(encoding="utf-8")) | traits


def show(page: Page, traits: dict, style: str = "") -> None:
    page.evaluate("([traits, style]) => host.show(traits, style)", [traits, style])


def trait(page: Page, name: str):
    return page.evaluate("name => host.models[0].get(name)", name)


def receive(page: Page, **traits) -> None:
    page.evaluate("traits => host.models[0].receive(traits)", traits)


def transform(page: Page) -> str:
    return page.locator(".swg-world").get_attribute("transform")


def layer(page: Page, id_: str):
    return page.locator(f'[data-layer="{id_}"]')


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
