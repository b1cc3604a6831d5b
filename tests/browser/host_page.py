"""A page without a notebook: a script that stands for one, and bundles of the front end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from browser.patience import MOST_MS
from playwright.sync_api import Browser, Dialog, Page, Route

from shapewidget.notebook.assets import bundle

ADDRESS = "http://shapewidget.test"
PAGE = "<!doctype html><body><script type=module src=/{}></script></body>"


@contextmanager
def host_page(chromium: Browser, host: str, bundles: Sequence[str], *, width: int, height: int = 720) -> Iterator[Page]:
    """The page, once `window.host` is there. Nothing may be thrown in it, and no dialog open.

    Args:
        chromium: The browser.
        host: The script beside this file that stands for the notebook.
        bundles: Files of the front end that it loads.
        width: Width of the window in CSS pixels.
        height: Height of the window in CSS pixels.
    """
    page = chromium.new_page(viewport={"width": width, "height": height})
    went_wrong: list[object] = []

    def refuse(dialog: Dialog) -> None:
        went_wrong.append(dialog.message)
        dialog.dismiss()

    page.on("pageerror", lambda error: went_wrong.append(error))
    page.on("dialog", refuse)
    files = {f"/{name}": Path(__file__).with_name(name) for name in (host, "host_model.js")}
    files |= {f"/{name}": bundle(name) for name in bundles}

    def serve(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path in files:
            route.fulfill(path=files[path])
        else:
            route.fulfill(body=PAGE.format(host), content_type="text/html")

    page.route(f"{ADDRESS}/**", serve)
    page.set_default_timeout(MOST_MS)
    page.goto(ADDRESS)
    page.wait_for_function("window.host")
    yield page
    page.close()
    assert went_wrong == []
