"""Collate functions that join samples, and move indices into their rows."""

import pytest
import torch
from torch.utils.data import DataLoader

import shapewidget

SIZES = (4, 3, 5, 6, 3, 4)
GRAPHS = [
    (torch.randn(size, 5), torch.stack([torch.arange(size), torch.arange(size).roll(1)]), torch.randn(()))
    for size in SIZES
]


def targets(graphs):
    return torch.stack([target for *_, target in graphs])


def moved(add):
    def joined(graphs):
        rows, edges, offset = [], [], 0
        for points, pairs, _ in graphs:
            rows.append(points)
            edges.append(pairs + offset)
            offset = add(offset, len(points))
        return (torch.cat(rows), torch.cat(edges, dim=1)), targets(graphs)

    return joined


def of_the_one_before(graphs):
    rows, edges, begin = [], [], 0
    for points, pairs, _ in graphs:
        rows.append(points)
        edges.append(pairs + begin)
        begin = points.shape[0]
    return (torch.cat(rows), torch.cat(edges, dim=1)), targets(graphs)


def by_a_function(graphs):
    return of_the_one_before(graphs)


def serious(collate, data=GRAPHS):
    report = shapewidget.check_loader(DataLoader(data, batch_size=3, collate_fn=collate))
    return [finding for finding in report.findings if finding.severity != "note"]


@pytest.mark.parametrize("collate", [of_the_one_before, by_a_function, lambda graphs: of_the_one_before(graphs)])
def test_indices_that_are_moved_by_one_sample_alone_are_told_with_the_line(collate):
    (found,) = serious(collate)
    assert (found.code, found.expected, found.got, found.verified) == ("SW738", 7, 3, True)
    assert found.fix == "begin += points.shape[0]"
    assert "sample 2 begin at row 7" in found.reason


def test_indices_that_are_moved_by_a_number_of_their_own_are_told():
    (found,) = serious(moved(lambda offset, size: offset + 1))
    assert (found.code, found.expected, found.got, found.verified) == ("SW738", 4, 1, False)


def test_indices_that_are_moved_by_all_rows_before_are_clean():
    assert serious(moved(lambda offset, size: offset + size)) == []


def test_ids_that_are_joined_as_they_are_are_clean():
    assert serious(moved(lambda offset, size: 0)) == []


def test_owners_of_rows_are_no_indices():
    def owned(graphs):
        owners = [torch.full((len(points),), place) for place, (points, *_) in enumerate(graphs)]
        return (torch.cat([points for points, *_ in graphs]), torch.cat(owners)), targets(graphs)

    assert serious(owned) == []
