"""What a torch operator gives, in type and size: its own fake kernel says so."""
from __future__ import annotations

from typing import Any

import torch
from torch.utils import _pytree as pytree

from onnxport._bridge import Call, DType, Size, Value

_DTYPES = {1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float16,
           11: torch.float64, 14: torch.complex64, 15: torch.complex128, 16: torch.bfloat16}
NUMBERS = {dtype: number for number, dtype in _DTYPES.items()}
_SIZES = ((101, 103, 107, 109, 113, 127, 131, 137), (211, 223, 227, 229, 233, 239, 241, 251))  # primes: no product is another's size


def dtype_of(number: int) -> torch.dtype:
    if number not in _DTYPES:
        raise TypeError(f"torch has no element type for ONNX's number {number}")
    return _DTYPES[number]


def _operator(name: str) -> Any:
    space, word = name.split("::")
    packet, _, overload = word.partition(".")
    return getattr(getattr(getattr(torch.ops, space), packet), overload or "default")


def _run(call: Call, primes: tuple[int, ...], texts: dict[str, int]) -> list[torch.Tensor]:
    def size(dim: int | Size) -> int:
        return dim if isinstance(dim, int) else primes[texts.setdefault(dim.text, len(texts))]

    def fake(value: Any) -> Any:
        if isinstance(value, Value):
            if value.is_number or value.dims is None:
                raise TypeError("a number, or a tensor of unknown rank")
            return torch.empty([size(d) for d in value.dims], dtype=dtype_of(value.dtype))
        if isinstance(value, DType):
            return dtype_of(value.number)
        return [fake(v) for v in value] if isinstance(value, list) else value

    from torch._subclasses.fake_tensor import FakeTensorMode

    operator = _operator(call.name)
    with FakeTensorMode(), torch.no_grad():
        keywords = {a.name for a in operator._schema.arguments if a.kwarg_only}
        given = {name: fake(value) for name, value in call.arguments.items()}
        out = operator(*[v for n, v in given.items() if n not in keywords], **{n: v for n, v in given.items() if n in keywords})
    return [t for t in pytree.tree_leaves(out) if isinstance(t, torch.Tensor)]


def result_types(call: Call) -> list[tuple[int, list[int | Size | None] | None]]:
    """Element type and sizes of each result. A size that is one of the arguments' is known by its name, one that is another expression
    of them is unknown; without a fake kernel, only the element types that the model's file records are known."""
    dims = {d.text: d for v in pytree.tree_leaves(list(call.arguments.values())) if isinstance(v, Value)
            for d in v.dims or () if isinstance(d, Size)}
    texts: dict[str, int] = {}
    try:
        if "?" in dims:
            raise TypeError("a size that nothing is known of")
        first, second = _run(call, _SIZES[0], texts), _run(call, _SIZES[1], texts)
    except Exception:  # noqa: BLE001 there is no fake kernel, or it does not take these
        return [(call.output_dtype(i), None) for i in range(call.output_count)]
    names = {(_SIZES[0][i], _SIZES[1][i]): dims[text] for text, i in texts.items()}
    return [(NUMBERS.get(a.dtype, 0), [x if x == y else names.get((x, y)) for x, y in zip(a.shape, b.shape)])
            for a, b in zip(first, second)]
