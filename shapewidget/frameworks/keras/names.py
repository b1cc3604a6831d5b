"""One plain name for each operation, whether Keras, TensorFlow or its kernels call it."""

from __future__ import annotations

import functools
import re

_PLAIN = {
    "add_v2": "add",
    "bias_add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "real_div": "div",
    "true_divide": "div",
    "div_no_nan": "div",
    "concat_v2": "concat",
    "concatenate": "concat",
    "mat_mul": "matmul",
    "batch_mat_mul": "matmul",
    "batch_mat_mul_v2": "matmul",
    "batch_mat_mul_v3": "matmul",
    "pack": "stack",
    "gather_v2": "gather",
    "strided_slice": "index",
    "get_item": "index",
    "getitem": "index",
    "divide": "div",
    "truediv": "div",
    "take": "gather",
    "power": "pow",
    "negative": "neg",
    "absolute": "abs",
    "cat": "concat",
    "amax": "max",
    "amin": "min",
}

SAME_VALUES = frozenset(
    "identity cast stop_gradient check_numerics identity_n convert_to_tensor asarray array astype copy detach clone "
    "contiguous to float long".split()
)
"""Operations that hand a tensor on."""
READ_WEIGHT = "read_variable_op"
"""The operation that gives the value of a variable."""
UNTOLD = frozenset(("shape", "rank", "size", "shape_n", "no_op", READ_WEIGHT, "zeros_like", "ones_like"))
"""Operations whose results depend on the shape of a tensor and not on its values."""
DATA = frozenset(("iterator_get_next", "iterator_get_next_sync", "make_iterator", "delete_iterator"))
"""Operations that read a dataset, and raise where it ends."""


@functools.cache
def plain_name(kind: str) -> str:
    """'AddV2', 'Add' and 'add_v2' are one operation."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower().strip("_")
    return _PLAIN.get(snake, snake)
