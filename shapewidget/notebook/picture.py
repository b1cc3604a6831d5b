"""The graph of a report as an SVG of its own, for where neither a kernel nor the front end runs.

Every box stands on one line down the page, in the order in which the layers ran, groups as frames around theirs. A
tensor that passes other boxes runs along a lane at the left. Attributes only, no style sheet: what reads SVG reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from shapewidget.graph.records import Agreement, Edge, Layer, LayerGraph, LayerKind

MOST_ROWS = 36
"""How many boxes are drawn; groups beyond stay closed, and rows beyond are counted."""

ROW, BOX, HEAD, STEP, LANE = 48, 34, 26, 9, 9
"""Heights of a row, of a box and of the title of a group; what a frame is wider than its content; between two lanes."""

HALF = 150
"""Half the width of a box at the top."""

WORST = (Agreement.MISMATCH, Agreement.COINCIDENCE, Agreement.UNREACHED, Agreement.AGREE)
COLOURS = {
    Agreement.AGREE: ("#0072b2", "1.6", ""),
    Agreement.MISMATCH: ("#b83400", "4", ""),
    Agreement.COINCIDENCE: ("#c27800", "3", "9 5"),
    Agreement.UNREACHED: ("#858585", "1.6", "2 4"),
}
"""Of each state: its colour, the width of its lines and their dashes."""

SIGNS = {Agreement.MISMATCH: "✕ ", Agreement.COINCIDENCE: "≈ ", Agreement.UNREACHED: "? ", Agreement.AGREE: ""}
SANS = "'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
MONO = "Menlo, Consolas, 'Noto Sans Mono', 'DejaVu Sans Mono', monospace"


def svg(graph: LayerGraph) -> str:
    """The picture of a graph as an SVG document."""
    return "".join(_Picture(graph).parts())


@dataclass(frozen=True, slots=True)
class _Row:
    """A box, or the title of an open group, and where it stands."""

    layer: Layer
    depth: int
    is_open: bool
    top: float
    end: float
    """Of an open group, where its frame ends."""

    @property
    def half(self) -> float:
        return HALF - STEP * min(self.depth, 9)


class _Picture:
    def __init__(self, graph: LayerGraph) -> None:
        self._graph = graph
        self._children: dict[str | None, list[Layer]] = {}
        for layer in graph.layers:
            parent = layer.parent if layer.parent in graph.by_id else None
            self._children.setdefault(parent, []).append(layer)
        self._open = self._chosen()
        self._rows: list[_Row] = []
        height = self._stack(None, 0, 40.0)
        self._left_out = max(0, len(self._rows) - MOST_ROWS)
        self._rows = self._rows[:MOST_ROWS]
        self._height = min(height, self._rows[-1].top + ROW if self._rows else height) + 30
        self._places = {row.layer.id: row for row in self._rows if not row.is_open}
        self._lines = self._lifted()
        self._lanes = self._assigned()
        self._middle = 30 + LANE * (max(self._lanes.values(), default=-1) + 1) + HALF

    # -- what is open --------------------------------------------------------------------------------------------------

    def _chosen(self) -> set[str]:
        """Groups on the way to what clashes, then others while there is room."""
        found: set[str] = set()
        for edge in self._graph.edges:
            if edge.state in (Agreement.MISMATCH, Agreement.COINCIDENCE):
                found.update(id_ for end in (edge.source, edge.target) for id_ in self._around(end)[1:])
        shown = len(self._children.get(None, ())) + sum(len(self._children.get(id_, ())) for id_ in found)
        waiting = list(self._children.get(None, ()))
        for layer in waiting:
            inside = self._children.get(layer.id, [])
            if layer.id not in found and inside and shown + len(inside) <= MOST_ROWS:
                found.add(layer.id)
                shown += len(inside)
            if layer.id in found:
                waiting.extend(inside)
        return found

    def _around(self, id_: str) -> list[str]:
        """A layer and the groups that hold it, innermost first."""
        chain: list[str] = []
        at: str | None = id_
        while at in self._graph.by_id and at not in chain:
            chain.append(at)
            at = self._graph.by_id[at].parent
        return chain

    def _stack(self, parent: str | None, depth: int, top: float) -> float:
        for layer in self._children.get(parent, ()):
            if layer.id in self._open:
                place = len(self._rows)
                end = self._stack_group(layer, depth, top)
                self._rows.insert(place, _Row(layer, depth, True, top, end - 8))
                top = end + 6
            else:
                self._rows.append(_Row(layer, depth, False, top, top + BOX))
                top += ROW
        return top

    def _stack_group(self, layer: Layer, depth: int, top: float) -> float:
        return self._stack(layer.id, depth + 1, top + HEAD) + 4

    # -- lines ---------------------------------------------------------------------------------------------------------

    def _lifted(self) -> dict[tuple[str, str], Agreement]:
        """The worst state between every two boxes that are drawn."""
        lines: dict[tuple[str, str], Agreement] = {}
        for edge in self._graph.edges:
            ends = [
                next((id_ for id_ in self._around(end) if id_ in self._places), None)
                for end in (edge.source, edge.target)
            ]
            source, target = ends
            if source is not None and target is not None and source != target:
                states = (lines.get((source, target), Agreement.AGREE), edge.state)
                lines[source, target] = min(states, key=WORST.index)
        return lines

    def _assigned(self) -> dict[tuple[str, str], int]:
        """A lane for each line that passes a box, short ones inside."""
        order = {id_: place for place, id_ in enumerate(self._places)}
        spans = {
            ends: sorted((order[ends[0]], order[ends[1]]))
            for ends in self._lines
            if abs(order[ends[0]] - order[ends[1]]) != 1
        }
        lanes: dict[tuple[str, str], int] = {}
        taken: list[list[tuple[int, int]]] = []
        for ends, (first, last) in sorted(spans.items(), key=lambda item: item[1][1] - item[1][0]):
            free = (
                lane for lane, used in enumerate(taken) if all(last <= start or first >= end for start, end in used)
            )
            lane = next(free, len(taken))
            if lane == len(taken):
                taken.append([])
            taken[lane].append((first, last))
            lanes[ends] = lane
        return lanes

    # -- drawing -------------------------------------------------------------------------------------------------------

    def parts(self) -> Iterator[str]:
        width = self._middle + HALF + 330
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{self._height:.0f}" '
            f'viewBox="0 0 {width:.0f} {self._height:.0f}"><rect width="100%" height="100%" rx="8" fill="#ffffff"/>'
        )
        yield _text(14, 24, self._graph.title, 14, "600")
        for row in self._rows:
            if row.is_open:
                yield from self._frame(row)
        for ends, state in sorted(self._lines.items(), key=lambda item: -WORST.index(item[1])):
            yield self._line(ends, state)
        for row in self._rows:
            if not row.is_open:
                yield from self._box(row)
        if self._left_out:
            yield _text(self._middle - 60, self._height - 10, f"… and {self._left_out} more", 12)
        yield "</svg>"

    def _frame(self, row: _Row) -> Iterator[str]:
        end = min(row.end, self._height - 12)
        fill = "#f3f7fb" if row.depth % 2 == 0 else "#e9f1f8"
        yield (
            f'<rect x="{self._middle - row.half:.1f}" y="{row.top:.1f}" width="{2 * row.half:.1f}" '
            f'height="{end - row.top:.1f}" rx="8" fill="{fill}" stroke="#b9c6d1"/>'
        )
        yield _label(self._middle - row.half + 10, row.top + 17, row.layer, 2 * row.half - 20)

    def _box(self, row: _Row) -> Iterator[str]:
        half, middle, layer = row.half, row.top + BOX / 2, row.layer
        entering = [edge for edge in self._graph.edges if edge.target == layer.id or self._hides(layer, edge)]
        state = min((edge.state for edge in entering), key=WORST.index, default=Agreement.AGREE)
        colour, _, dash = COLOURS[state]
        stroke = ("#b9c6d1", "1", "") if state is Agreement.AGREE else (colour, "2", dash)
        fill = "#fff1e8" if state is Agreement.MISMATCH else "#fff6e0" if state is Agreement.COINCIDENCE else "#ffffff"
        round_ = 8 if layer.kind in (LayerKind.GROUP, LayerKind.LAYER) else BOX / 2
        yield (
            f'<rect x="{self._middle - half:.1f}" y="{row.top:.1f}" width="{2 * half:.1f}" height="{BOX}" '
            f'rx="{round_:g}" fill="{fill}" stroke="{stroke[0]}" stroke-width="{stroke[1]}"{_dashes(stroke[2])}/>'
        )
        yield _label(self._middle - half + 12, middle + 5, layer, 2 * half - 24)
        badge = next((edge.badge for edge in entering if edge.badge and edge.state is state), "")
        x = self._middle + HALF + 14
        if layer.outputs and layer.kind is not LayerKind.OUTPUT:
            shape = _short(", ".join(map(str, layer.outputs[:2])), 34 if not badge else 16)
            yield _text(x, middle + (0 if badge else 4), shape, 11, family=MONO)
        if badge or state is not Agreement.AGREE:
            words = badge or {Agreement.UNREACHED: "not reached"}.get(state, str(state))
            y = middle + (14 if layer.outputs else 4)
            yield _text(x, y, _short(SIGNS[state] + words, 42), 11, "700", INK[state], MONO)

    def _hides(self, layer: Layer, edge: Edge) -> bool:
        return layer.kind is LayerKind.GROUP and layer.id in self._around(edge.target)

    def _line(self, ends: tuple[str, str], state: Agreement) -> str:
        source, target = (self._places[end] for end in ends)
        colour, width, dash = COLOURS[state]
        style = f'fill="none" stroke="{colour}" stroke-width="{width}"{_dashes(dash)}'
        if ends not in self._lanes:
            way = f"M{self._middle:.1f} {source.top + BOX:.1f}V{target.top - 7:.1f}"
            tip = f"M{self._middle:.1f} {target.top:.1f}l-5 -8h10z"
        else:
            x = self._middle - HALF - 10 - LANE * self._lanes[ends]
            start, end = source.top + BOX - 9, target.top + 9
            edge = self._middle - target.half
            way = (
                f"M{self._middle - source.half:.1f} {start:.1f}H{x + 5:.1f}Q{x:.1f} {start:.1f} {x:.1f} {start + 5:.1f}"
            )
            way += f"V{end - 5:.1f}Q{x:.1f} {end:.1f} {x + 5:.1f} {end:.1f}H{edge - 6:.1f}"
            tip = f"M{edge:.1f} {end:.1f}l-8 -5v10z"
        return f'<path d="{way}" {style}/><path d="{tip}" fill="{colour}"/>'


INK = {
    Agreement.MISMATCH: "#a84300",
    Agreement.COINCIDENCE: "#7a4f00",
    Agreement.UNREACHED: "#56606b",
    Agreement.AGREE: "#1b1f24",
}
"""Colours of texts, which need more contrast than lines."""


def _label(x: float, y: float, layer: Layer, room: float) -> str:
    """The name in bold and the class in grey, as long as they fit."""
    most = int(room / 7.4)
    name = _short(layer.name, most)
    kind = "" if layer.type == layer.name or layer.kind is LayerKind.INPUT else _short(layer.type, most - len(name) - 1)
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family={quoteattr(SANS)} font-size="12.5" fill="#1b1f24">'
        f'<tspan font-weight="600">{escape(name)}</tspan>'
        f'<tspan dx="6" font-size="11.5" fill="#56606b">{escape(kind)}</tspan></text>'
    )


def _text(
    x: float, y: float, text: str, size: int, weight: str = "400", fill: str = "#1b1f24", family: str = SANS
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family={quoteattr(family)} font-size="{size}" font-weight="{weight}" '
        f'fill="{fill}">{escape(_short(text, 80))}</text>'
    )


def _short(text: str, most: int) -> str:
    """The beginning of a text; what XML cannot hold is left out."""
    printable = "".join(letter for letter in text[: 4 * max(most, 1)] if letter.isprintable())
    return printable if len(printable) <= most else printable[: max(most - 1, 0)] + ("…" if most > 1 else "")


def _dashes(pattern: str) -> str:
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def alternative(graph: LayerGraph) -> str:
    """What the picture shows, in words."""
    counts = {state: sum(edge.state is state for edge in graph.edges) for state in WORST[:3]}
    words = [f"{count} {state.value}" for state, count in counts.items() if count]
    return f"Layer graph of {graph.title}: {', '.join(words) or 'all shapes agree'}"
