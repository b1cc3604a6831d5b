"""Remedies write steps on tensors as methods, which tensors of TensorFlow lack: the same steps as Keras writes them."""

from __future__ import annotations

import ast
from collections.abc import Collection

_NAMESPACES = frozenset(("tf", "ops", "keras", "K", "np", "math", "layers", "tnp"))
_OPS = {
    "transpose": ("ops.swapaxes", "tf.experimental.numpy.swapaxes"),
    "mean": ("ops.mean", "tf.reduce_mean"),
    "sum": ("ops.sum", "tf.reduce_sum"),
    "argmax": ("ops.argmax", "tf.argmax"),
    "any": ("ops.any", "tf.reduce_any"),
    "flip": ("ops.flip", "tf.experimental.numpy.flip"),
    "repeat_interleave": ("ops.repeat", "tf.repeat"),
}


def in_keras(text: str, imported: Collection[str]) -> str:
    """An expression with tensor methods, as one writes it with Keras or TensorFlow.

    Args:
        text: The expression.
        imported: The names that the code around it has imported: "tf", "ops", "keras".
    """
    dialect = _Dialect(imported)
    changed = dialect.visit(ast.parse(text, mode="eval"))
    return ast.unparse(ast.fix_missing_locations(changed)) if dialect.is_changed else text


class _Dialect(ast.NodeTransformer):
    def __init__(self, imported: Collection[str]) -> None:
        self._ops = "ops" if "ops" in imported else "keras.ops" if "tf" not in imported else ""
        self.is_changed = False

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Translate a method of a tensor; functions of a namespace stay as they are."""
        self.generic_visit(node)
        if not isinstance(node.func, ast.Attribute) or _root(node.func.value) in _NAMESPACES:
            return node
        text = self._translated(ast.unparse(node.func.value), node.func.attr, [ast.unparse(each) for each in node.args])
        if text is None:
            return node
        self.is_changed = True
        return ast.parse(text, mode="eval").body

    def _translated(self, tensor: str, method: str, arguments: list[str]) -> str | None:
        tensor = (
            tensor if tensor.isidentifier() or (tensor.endswith((")", "]")) and tensor[0] != "(") else f"({tensor})"
        )
        first = arguments[0] if arguments else ""
        match method:
            case "unsqueeze" | "squeeze" if not (first.isdigit() or first == "-1"):
                return None
            case "unsqueeze":
                return f"{tensor}[{_before(first)}None]"
            case "squeeze":
                return f"{tensor}[{_before(first)}0]"
            case "size" if first:
                return f"{tensor}.shape[{first}]"
            case "permute":
                return f"{self._ops or 'tf'}.transpose({tensor}, ({', '.join(arguments)}))"
            case "long" | "float":
                dtype = "int64" if method == "long" else "float32"
                return f"{self._ops}.cast({tensor}, {dtype!r})" if self._ops else f"tf.cast({tensor}, tf.{dtype})"
        if method not in _OPS:
            return None
        of_keras, of_tensorflow = _OPS[method]
        name = of_keras.replace("ops", self._ops) if self._ops else of_tensorflow
        return f"{name}({', '.join((tensor, *arguments))})"


def _before(axis: str) -> str:
    """What stands in brackets before an item that is about one axis."""
    return "..., " if axis == "-1" else ":, " * int(axis)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
