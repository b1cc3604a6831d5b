"""The batches of a report as rows, as a data frame, as a figure and as a table."""

import sys

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import shapewidget
from shapewidget.errors import ShapeWidgetError
from shapewidget.notebook.plot_frame import VERMILLION
from shapewidget.notebook.plots import BLUE

DATA = TensorDataset(torch.randn(103, 4), torch.zeros(103, dtype=torch.int64))


def padded(*lengths):
    """A batch of token ids, filled up with zeros to eight steps."""
    ids = torch.zeros(len(lengths), 8, dtype=torch.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = 3
    return ids


def test_rows_tell_what_every_batch_holds():
    frame = shapewidget.check_loader(DataLoader(DATA, batch_size=32)).batches.to_pandas()
    assert list(frame["size"]) == [32, 32, 32, 7]
    assert list(frame["inputs"]) == [(32, 4)] * 3 + [(7, 4)]
    assert set(frame["targets dtype"]) == {"int64"}
    assert frame["length"].isna().all()


def test_rows_tell_length_and_padding_of_sequences():
    rows = list(shapewidget.check_loader([padded(8, 8), padded(4, 8), padded(2, 2)]).batches.rows())
    assert [(row["length"], row["padding"]) for row in rows] == [(8, 0.0), (8, 0.25), (8, 0.75)]


def test_rows_tell_the_batches_of_every_rank():
    report = shapewidget.check_loader(DataLoader(DATA, batch_size=8, shuffle=True), ranks=4)
    sizes = report.batches.to_pandas().groupby("rank")["size"].apply(list)
    assert list(sizes) == [[8, 8, 8, 2]] * 4
    assert [len(share.rows) for share in report.batches.ranks.shares] == [26] * 4


def test_data_frame_says_that_pandas_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ShapeWidgetError, match="pip install pandas"):
        shapewidget.check_loader(DataLoader(DATA, batch_size=32)).batches.to_pandas()


def test_figure_marks_the_batch_of_another_size():
    (bars,) = shapewidget.check_loader(DataLoader(DATA, batch_size=32)).batches.figure().data
    assert list(bars.y) == [32, 32, 32, 7]
    assert list(bars.marker.color) == [BLUE, BLUE, BLUE, VERMILLION]


def test_figure_has_a_row_each_for_lengths_and_padding():
    figure = shapewidget.check_loader([padded(8, 8), padded(4, 8)]).batches.figure()
    assert [(trace.name, list(trace.y)) for trace in figure.data] == [
        ("size", [2, 2]),
        ("sequence length", [8, 8]),
        ("padding", [0.0, 25.0]),
    ]
    assert figure.layout.yaxis3.title.text == "padding<br>(%)"


def test_figure_has_bars_for_every_rank_and_a_line_for_many_batches():
    ranks = shapewidget.check_loader(DataLoader(DATA, batch_size=8), ranks=2).batches.figure()
    assert [trace.name for trace in ranks.data] == ["rank 0", "rank 1"]
    (line,) = (
        shapewidget.check_loader(DataLoader(TensorDataset(torch.zeros(300, 1)), batch_size=1)).batches.figure().data
    )
    assert line.mode == "lines"


def test_figure_without_a_batch_says_so():
    assert shapewidget.check_loader([]).batches.figure().layout.annotations[0].text == "no batch"


def test_table_has_a_row_for_every_run_of_equal_batches_and_escapes_names():
    batches = [{"<b>ids": padded(8, 8)}] * 3 + [{"<b>ids": padded(8)}]
    report = shapewidget.check_loader(batches)
    table = report.batches._repr_html_()
    assert table.count("<tr>") == 3
    assert "<td" in table
    assert "0–2" in table
    assert "<b>ids" not in table
    assert table in report._repr_html_()
