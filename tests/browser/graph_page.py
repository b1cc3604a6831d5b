"""What the tests of GraphView do with a page, and the state that they show on it."""

import json

from playwright.sync_api import Page
from wire_fixtures import path_of


def wire(name: str, **traits) -> dict:
    return json.loads(path_of(name).read_text(encoding="utf-8")) | traits


def show(page: Page, traits: dict, style: str = "") -> None:
    page.evaluate("([traits, style]) => host.show(traits, style)", [traits, style])
    settle(page)


def settle(page: Page) -> None:
    """Wait until all is drawn: views follow their sizes, and draw what nobody waits for, with the next two frames."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def trait(page: Page, name: str):
    return page.evaluate("name => host.models[0].get(name)", name)


def receive(page: Page, **traits) -> None:
    page.evaluate("traits => host.models[0].receive(traits)", traits)


def transform(page: Page) -> str:
    return page.locator(".swg-world").get_attribute("transform")


def choose(page: Page, entry: str) -> None:
    """An entry of the menu behind the three dots."""
    page.get_by_label("More").click()
    page.get_by_role("button", name=entry).click()


def layer(page: Page, id_: str):
    return page.locator(f'[data-layer="{id_}"]')


def opened(name: str) -> dict:
    """A state with all groups open, at the scale at which it begins."""
    state = wire(name)
    groups = [layer["id"] for layer in state["graph"]["layers"] if layer["kind"] == "group"]
    return state | {"view_state": {"version": 1, "open": groups}}


def chain(length: int) -> dict:
    """Layers one below the other, in blocks of ten, no two alike."""
    layers, edges = [], []
    like = wire("tagger")["graph"]
    group, leaf = like["layers"][1], like["layers"][4]
    for index in range(length):
        if index % 10 == 0:
            layers.append(group | {"id": f"b{index // 10}", "name": f"b{index // 10}", "parent": None})
        ids = {"id": f"n{index}", "name": f"n{index}", "parent": f"b{index // 10}"}
        layers.append(leaf | ids | {"signature": f"{index}", "state": "agree"})
        if index:
            ends = {"source": f"n{index - 1}", "target": f"n{index}", "id": f"e{index}"}
            edges.append(like["edges"][0] | ends | {"tensor": 0, "state": "agree", "badge": "", "assumed": False})
    graph = like | {"title": "Chain", "layers": layers, "edges": edges, "findings": []}
    everything = [layer["id"] for layer in layers if layer["kind"] == "group"]
    return wire("tagger") | {"graph": graph, "view_state": {"version": 1, "open": everything}}
