import json
import re

from stand_in import tagger_report

from shapewidget.notebook import page

EVIL = "</script><script>alert(1)</script><!--"


def state_in(html):
    return json.loads(re.search(r'id="state">(.*?)</script>', html)[1])


def test_page_holds_the_state_of_a_view_and_the_tables_without_scripts():
    html = page.html(tagger_report())
    state = state_in(html)
    assert state["graph"]["title"] == "Tagger"
    assert len(state["tensors"]) == 4
    assert state["theme"] == "auto"
    assert re.search(r"<noscript>.*SW101.*</noscript>", html, re.DOTALL)


def test_page_asks_nothing_of_any_other_machine():
    html = page.html(tagger_report())
    assert "default-src 'none'" in html
    assert not re.findall(r'(?:src|href)="(?!data:)', html)


def test_names_end_no_script_of_the_page():
    report = tagger_report()
    object.__setattr__(report.graph, "title", EVIL)
    html = page.html(report)
    assert html.count("<script") == 2
    assert state_in(html)["graph"]["title"] == EVIL


def test_save_gives_the_path_and_keeps_what_was_chosen(tmp_path):
    file = page.save(str(tmp_path / "graph.html"), tagger_report(), {"selection": "encoder"})
    assert state_in(file.read_text(encoding="utf-8"))["selection"] == "encoder"


def test_a_report_saves_itself(tmp_path):
    file = tagger_report().save_html(tmp_path / "report.html")
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
