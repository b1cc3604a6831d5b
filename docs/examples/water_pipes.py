"""A framework in 30 lines: its tensors are shapes, its layers are pipes that take one width and give another."""

from __future__ import annotations

from dataclasses import dataclass, field

Shape = tuple[int, ...]


@dataclass
class Pipe:
    """Takes rows of one width, and gives rows of another."""

    name: str
    takes: int
    gives: int

    def __call__(self, rows: Shape) -> Shape:
        """The shape behind the pipe."""
        if rows[-1] != self.takes:
            raise ValueError(f"{self.name} takes {self.takes} and got {rows}")
        return (*rows[:-1], self.gives)


@dataclass
class Line:
    """A model: pipes, one behind the other."""

    pipes: list[Pipe] = field(default_factory=list)
