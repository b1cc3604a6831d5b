"""The batches of a pass, as a tuple that also gives a table and a figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from shapewidget.graph.batches import BatchRecord, Part, Ranks


class Timeline(tuple[BatchRecord, ...]):
    """The batches that were read, in order.

    Attributes:
        ranks: What every rank reads, where the loader is split over ranks.
    """

    ranks: Ranks | None

    def __new__(cls, batches: Iterable[BatchRecord] = (), ranks: Ranks | None = None) -> Timeline:
        """Batches in the order in which they came."""
        made = super().__new__(cls, batches)
        made.ranks = ranks
        return made

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row a batch: its place, size, sequence length and padding, and shape, dtype and device of every part.

        Where the loader is split over ranks there is a row for every batch of every rank, with its size alone.
        """
        for share in self.ranks.shares if self.ranks is not None else ():
            for index, size in enumerate(share.sizes):
                yield {"rank": share.rank, "batch": index, "size": size}
        for batch in self if self.ranks is None else ():
            row: dict[str, Any] = {"batch": batch.index, "size": batch.size}
            row |= {"length": batch.length, "padding": batch.padding}
            for part in batch.parts:
                row |= _columns(part)
            yield row

    def to_pandas(self) -> Any:
        """The rows as a `pandas.DataFrame`.

        Raises:
            ShapeWidgetError: pandas is not installed.
        """
        from shapewidget.notebook.batch_table import batches_frame

        return batches_frame(self)

    def figure(self) -> Any:
        """A plotly figure: size, sequence length and share of padding by batch; or the sizes of every rank's."""
        from shapewidget.notebook.batch_plots import batches_figure

        return batches_figure(self)

    def _repr_html_(self) -> str:
        from shapewidget.notebook.batch_table import batches_table

        return batches_table(self)


def _columns(part: Part) -> dict[str, object]:
    name = f"{'targets' if part.is_target else 'inputs'}{part.name}"
    return {name: part.spec.shape, f"{name} dtype": part.spec.dtype, f"{name} device": part.spec.device}
