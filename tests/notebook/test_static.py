from dataclasses import replace
from html.parser import HTMLParser

from stand_in import head_finding, tagger_graph, tagger_report

from shapewidget.graph.records import Agreement, Layer, LayerGraph, LayerKind
from shapewidget.notebook import static
from shapewidget.probing.report import Report

EVIL = '<img src=x onerror="alert(1)">&<script>'


class Page(HTMLParser):
    """The tags of a page and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text.append(data)


def test_html_holds_the_findings_and_the_layers():
    text = Page(static.html(tagger_report())).text
    assert "✕ SW101" in text
    assert "Layer expects another width. The LSTM gives 2·hidden = 64." in text
    assert "self.head = nn.Linear(2 * hidden, tags) (run, and it holds)" in text
    assert "(B, T, 2·hidden)" in text
    assert "✕ 2·hidden = 64 ≠ 32" in text
    assert "The batch was made up." in text
    assert "12,800" in text
    assert "B = 4, T = 10, hidden = 32" in text


def test_html_indents_what_is_in_a_group():
    text = Page(static.html(tagger_report())).text
    assert "encoder" in text
    assert "\N{NO-BREAK SPACE}" * 4 + "lstm" in text


def test_html_escapes_every_text_of_the_model():
    layers = tuple(replace(layer, name=EVIL, type=EVIL) for layer in tagger_graph().layers)
    finding = replace(head_finding(), layer=EVIL, reason=EVIL, fix=EVIL, title=EVIL)
    graph = replace(tagger_graph(), layers=layers, title=EVIL, sizes={EVIL: 1})
    html = static.html(Report((finding,), graph, "torch", EVIL, (EVIL,), stopped=EVIL))
    assert Page(html).tags == {"p", "b", "img", "table", "tr", "th", "td"}
    assert html.count("&lt;img") >= 12


def test_html_of_a_sentence_sets_what_stands_between_backticks_as_code():
    finding = replace(head_finding(), reason="`head <b>` takes 64.", fix="self.head = `nn.Linear`")
    html = static.html(replace(tagger_report(), findings=(finding,), notes=("made for `forward`",)))
    for code in ("head &lt;b&gt;", "nn.Linear", "forward"):
        assert f"<code>{code}</code>" in html


def test_html_marks_sizes_that_agree_by_coincidence_as_such():
    edges = tuple(
        replace(edge, state=Agreement.COINCIDENCE, badge="48 = 48") if edge.badge else edge
        for edge in tagger_graph().edges
    )
    html = static.html(replace(tagger_report(), graph=replace(tagger_graph(), edges=edges)))
    assert "≈ 48 = 48" in html
    assert "✕ 48 = 48" not in html


def test_html_without_findings_says_that_all_agrees():
    assert "All shapes agree." in static.html(replace(tagger_report(), findings=()))


def test_html_of_a_run_that_stopped_does_not_say_that_all_agrees():
    html = static.html(replace(tagger_report(), findings=(), stopped="ValueError: no"))
    assert "All shapes agree." not in html
    assert "The run ended early: ValueError: no" in html


def test_html_of_a_huge_model_is_short_and_counts_what_it_leaves_out():
    layers = tuple(Layer(f"layer{n}", LayerKind.LAYER, f"layer{n}", "Linear") for n in range(10_000))
    findings = tuple(replace(head_finding(), fix=f"fix {n}") for n in range(5_000))
    html = static.html(Report(findings, LayerGraph(layers, ()), "torch", "cpu"))
    assert len(html.encode()) < 100_000
    shown = html.count(">Linear<")
    assert f"… and {10_000 - shown} more layers." in html
    assert "more findings." in html


def test_html_cuts_a_name_of_thousands_of_characters():
    layers = (Layer("x" * 3000, LayerKind.LAYER, "x" * 3000, "Linear"),)
    assert len(static.html(Report((), LayerGraph(layers, ()), "torch", "cpu"))) < 3000


def test_text_is_the_reports_own():
    assert static.text(tagger_report()) == str(tagger_report())


def test_text_of_a_huge_model_says_how_much_is_left_out():
    layers = tuple(Layer(f"layer{n}", LayerKind.LAYER, f"layer{n}", "Linear") for n in range(10_000))
    text = static.text(Report((), LayerGraph(layers, ()), "torch", "cpu"))
    assert len(text) < static.MOST_CHARACTERS + 100
    assert "more lines: print(report) shows them all." in text
