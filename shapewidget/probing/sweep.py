"""Memory and time over a grid of sizes, here or on other workers."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from shapewidget.errors import InputError
from shapewidget.frameworks.adapter import Effort
from shapewidget.frameworks.slices import finished
from shapewidget.graph.costs import Measurement
from shapewidget.probing.foresight import Foresight
from shapewidget.probing.grid import SIZES, SweepAxis, points_of, values_of
from shapewidget.probing.program import Point, Program, program
from shapewidget.probing.remote import results
from shapewidget.probing.sizes import size_step
from shapewidget.probing.sweep_rows import row_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Mode = Literal["train", "forward"]


class Sweep:
    """The points of a grid, and those that are measured.

    Attributes:
        axes: What is varied.
        title: Class of the model.
        is_cancelled: Whether it was ended before all points were measured; `resume` measures the others.
    """

    def __init__(self, subject: Program, axes: Sequence[SweepAxis]) -> None:
        self.axes = tuple(axes)
        self.title = type(subject.model).__name__
        self.is_cancelled = False
        self._program = subject
        self._grid = points_of(axes)
        self._measured: dict[int, Measurement] = {}
        self._observers: list[Callable[[Sweep], None]] = []

    @property
    def is_training(self) -> bool:
        """Whether training steps are measured, or forward passes alone."""
        return self._program.training

    @property
    def settings(self) -> dict[str, Any]:
        """What is the same at all points: arguments of the constructor, mode, device, and functions that were given."""
        varied = {axis.name for axis in self.axes}
        return {name: value for name, value in self._program.settings.items() if name not in varied}

    @property
    def points(self) -> tuple[Measurement, ...]:
        """What was measured, in the order of the grid; one that raised or did not fit says so in `refusal`."""
        return tuple(self._measured[place] for place in sorted(self._measured))

    @property
    def pending(self) -> tuple[Point, ...]:
        """The points that were not measured yet."""
        return tuple(point for place, point in enumerate(self._grid) if place not in self._measured)

    def __repr__(self) -> str:
        failed = sum(bool(point.refusal) for point in self.points)
        parts = [f"{len(self.points)} of {len(self._grid)} points", f"{failed} with a refusal" if failed else ""]
        varied = " × ".join(f"{axis.keyword} ({len(axis.values)})" for axis in self.axes)
        return f"<Sweep of {self.title} over {varied}: {', '.join(filter(None, parts))}>"

    def observe(self, observer: Callable[[Sweep], None]) -> None:
        """Call a function with the sweep whenever a point is measured."""
        self._observers.append(observer)

    def cancel(self) -> None:
        """End it after the call of the model that is running; from an observer, or another thread."""
        self.is_cancelled = bool(self.pending)

    def resume(self, *, executor: Executor | None = None, progress: bool = True) -> Sweep:
        """Measure the points that are still missing. Interrupting the kernel ends it, and keeps what there is.

        Args:
            executor: Whose workers measure; None for this process.
            progress: Whether to show a bar, where tqdm is installed, and in a notebook plots that grow.
        """
        self.is_cancelled = False
        places = [place for place in range(len(self._grid)) if place not in self._measured]
        with ExitStack() as stack:
            shown = list(_shown(self, stack)) if progress else []
            try:
                for place, point in self._results(places, executor):
                    self._measured[places[place]] = point
                    for observer in (*shown, *self._observers):
                        observer(self)
            except KeyboardInterrupt:
                self.is_cancelled = True
        return self

    def _results(self, places: Sequence[int], executor: Executor | None) -> Iterator[tuple[int, Measurement]]:
        points = [self._grid[place] for place in places]
        if executor is not None:
            yield from results(self._program, points, executor, lambda: self.is_cancelled)
            return
        for place, point in enumerate(points):
            measured = self._here(point)
            if measured is None:
                return
            yield place, measured

    def _here(self, point: Point) -> Measurement | None:
        """Measure in this process; None where it was cancelled in the middle."""
        try:
            refused = self._refused(point)
            if refused is not None:
                return refused
            slices = self._program.measuring(point, Effort.USUAL)
            while not self.is_cancelled:
                next(slices)
            slices.close()
            return None
        except StopIteration as end:
            measured: Measurement = end.value
            return measured
        except Exception as error:
            return self._program.marked(point, error)

    def _refused(self, point: Point) -> Measurement | None:
        """A point that would make the host swap."""
        room = self._program.adapter.room(self._program.model)
        peak = self._foresight.peak(point, self.points, room) if room is not None else None
        if room is None or peak is None or peak <= room:
            return None
        return self._program.marked(
            point,
            MemoryError(
                f"about {peak / 2**30:,.1f} GiB would be taken, and {room / 2**30:,.1f} GiB are free. It was not run"
            ),
        )

    @functools.cached_property
    def _foresight(self) -> Foresight:
        sizes = {name: size for name, size in self._program.sizes.items() if isinstance(size, int)}
        varied = [axis.name for axis in self.axes]
        names = [name for name in varied if name in sizes]
        arguments = self._program.arguments
        return Foresight(
            names,
            [name for name in varied if name not in names],
            sizes,
            {name: size_step(size, arguments) for name, size in arguments.items()},
            lambda small: finished(self._program.measuring(small, Effort.BYTES)),
        )

    # -- what comes of it -------------------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """A flat record of every measured point: what was varied, seconds, bytes, throughput, and why a part lacks."""
        return [row_of(point, self.axes) for point in self.points]

    def to_pandas(self) -> Any:
        """The same as a `pandas.DataFrame`, a row a point."""
        import pandas

        return pandas.DataFrame(self.rows())

    def to_json(self) -> str:
        """Axes and points as text that can be kept: strict JSON, bytes and seconds as numbers."""
        axes = [asdict(axis) for axis in self.axes]
        content = {"title": self.title, "axes": axes, "points": self.rows(), "pending": list(self.pending)}
        return json.dumps(content, allow_nan=False, default=str)

    def plot(self, value: str = "peak_bytes", *others: Sweep, as_curves: bool = False) -> Figure:
        """A plotly figure: curves over one axis, a heat map over two.

        Args:
            value: What to draw: "peak_bytes", "step_seconds", "forward_seconds", "samples_per_second" or any other
                column of `to_pandas`.
            *others: Sweeps of other models or settings over the same sizes, to be compared in one plot of curves.
            as_curves: Draw two axes as curves too: over the longer one, a curve for each value of the other.

        Raises:
            InputError: There is no such column, or a sweep is over something else.
        """
        from shapewidget.notebook.sweep_plots import comparison_figure, sweep_figure, told_apart

        if others:
            sweeps = (self, *others)
            titles = told_apart([it.title for it in sweeps], [it.settings for it in sweeps])
            return comparison_figure(
                [(it.axes, it.rows(), title) for it, title in zip(sweeps, titles, strict=True)], value
            )
        return sweep_figure(self.axes, self.rows(), value, self.title, as_curves=as_curves)


def sweep(
    model: Any,
    inputs: Any = None,
    *,
    batch_size: Any = None,
    sequence_length: Any = None,
    hidden_size: Any = None,
    mode: Mode = "train",
    executor: Executor | None = None,
    seed: int = 0,
    progress: bool = True,
    observer: Callable[[Sweep], None] | None = None,
    targets: Any = None,
    loss: Callable[..., Any] | None = None,
    axes: Any = None,
    build: Callable[..., Any] | None = None,
    optimizer: Callable[..., Any] | None = None,
    step: Callable[..., Any] | None = None,
    device: str | None = None,
    **arguments: Any,
) -> Sweep:
    """Measure memory and time over every combination of sizes.

    Args:
        model: A live `torch.nn.Module`. It is left exactly as it is; other sizes are built anew.
        inputs: As for `probe`; None derives a batch from the model. Other sizes are cropped or tiled from it.
        batch_size: A whole number, or several.
        sequence_length: The same of the axis that is the sequence.
        hidden_size: The same of the constructor's argument that is the hidden size.
        mode: "train" measures training steps too, "forward" only forward passes.
        executor: Any executor of `concurrent.futures`: a process pool, Dask's ``client.get_executor()``, ipyparallel's
            ``client.executor()``. None measures in this process.
        seed: Where every point starts its random numbers.
        progress: Whether to show a bar, where tqdm is installed, and in a notebook plots of memory and time that grow
            with every point, with a button that ends the sweep.
        observer: Called with the sweep whenever a point is measured.
        targets: What the loss compares the outputs with.
        loss: Called as ``loss(outputs, targets)``; None for the mean of the outputs.
        axes: What the axes of the inputs mean, as for `probe`.
        build: ``build(hidden_size=...)`` gives a new model, where the constructor's arguments cannot be recovered.
        optimizer: Makes an optimiser of an iterable of weights; Adam by default.
        step: Makes a whole training step, as for `probe`.
        device: Measure a copy on this device instead of where the model is.
        **arguments: Any other argument of the model's constructor, one value or several.

    Returns:
        The sweep. A point that raises, or does not fit, is marked with the reason, and the others go on. Interrupting
        the kernel ends it, and `Sweep.resume` goes on.

    Raises:
        InputError: A size is no whole number of at least 1, or the model has no such size.
        RebuildError: `build` does not give the model.
    """
    if mode not in ("train", "forward"):
        raise InputError(f'mode={mode!r} is not known. Expected "train" or "forward".')
    given = dict(zip(SIZES, (batch_size, sequence_length, hidden_size), strict=True)) | arguments
    varied = {keyword: values_of(keyword, values) for keyword, values in given.items() if values is not None}
    if not varied:
        raise InputError("Nothing is varied. Expected at least one of batch_size=[...], sequence_length=[...].")
    subject = program(
        model,
        inputs,
        targets=targets,
        loss=loss,
        axes=axes,
        build=build,
        optimizer=optimizer,
        step=step,
        device=device,
        training=mode == "train",
        seed=seed,
    )
    swept = Sweep(subject, [_axis(subject, keyword, values) for keyword, values in varied.items()])
    if observer is not None:
        swept.observe(observer)
    return swept.resume(executor=executor, progress=progress)


def _axis(subject: Program, keyword: str, values: tuple[Any, ...]) -> SweepAxis:
    """What a keyword stands for, whose values have to be sizes where it is one of the model's own."""
    name = subject.name_of(keyword)
    return SweepAxis(keyword, name, values_of(keyword, values, is_size=name in subject.arguments))


def _shown(sweep: Sweep, stack: ExitStack) -> Iterator[Callable[[Sweep], None]]:
    """What shows a sweep while it runs: a bar where tqdm is installed, and in a notebook plots that grow."""
    with suppress(ImportError):
        from tqdm.auto import tqdm

        total, done = len(sweep.points) + len(sweep.pending), len(sweep.points)
        bar = stack.enter_context(tqdm(total=total, initial=done, desc="sweep", unit="point", file=sys.stderr))
        yield lambda _: bar.update()
    if "ipykernel" in sys.modules:
        from shapewidget.notebook.sweep_view import SweepView, is_in_notebook

        if is_in_notebook():
            view = SweepView(sweep)
            stack.enter_context(view.running())
            yield lambda _: view.show()
