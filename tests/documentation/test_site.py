"""The pages of the site: all public names are on one, and no picture is large."""

import re

import pytest
from documentation.pages import ROOT, pages

import shapewidget

DOCUMENTED = re.compile(r"^::: shapewidget\.(\w+)$", re.MULTILINE)
PICTURES = sorted((ROOT / "docs" / "images").glob("*.png"))


def test_every_public_name_is_on_the_page_of_the_api():
    page = (ROOT / "docs" / "api.md").read_text()
    assert {*DOCUMENTED.findall(page), "zoo"} == set(shapewidget.__all__)
    assert set(re.findall(r"`(\w+(?:Tagger|Like|Classifier))`", page)) == set(dir(shapewidget.zoo))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_picture_is_small_and_shown_on_a_page(picture):
    assert picture.stat().st_size < 120_000
    assert any(f"images/{picture.name}" in page.path.read_text() for page in pages())


def test_site_loads_nothing_from_another_machine():
    settings = (ROOT / "mkdocs.yml").read_text()
    assert "font: false" in settings
    assert "://" not in settings
