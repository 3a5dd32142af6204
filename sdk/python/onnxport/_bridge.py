"""Mappings that are written in Python: onnxport/abi.h by ctypes. The core asks for an operator, a function of Python emits its nodes."""
from __future__ import annotations

import contextlib
import ctypes
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from ctypes import CFUNCTYPE, POINTER, c_double, c_int32, c_int64, c_uint16, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onnxport._errors import ExportError
from onnxport._library import find_library

PIVOT_OPSET = 23  # what a mapping emits is read at this opset
_ID, _VERSION = "org.onnxport.python", "1.0.0"
OK, DECLINED, FAILED = 0, 1, 2


class _Str(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("size", c_uint64)]

    @classmethod
    def of(cls, text: str | bytes) -> _Str:
        encoded = text if isinstance(text, bytes) else text.encode()
        out = cls(ctypes.cast(ctypes.c_char_p(encoded), c_void_p), len(encoded))
        out.kept = encoded
        return out

    def text(self) -> str:
        return ctypes.string_at(self.data, self.size).decode("utf-8", "replace") if self.size else ""


class _Tensor(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("dtype", c_int32), ("rank", c_uint32), ("reserved", c_uint32), ("dims", POINTER(c_int64)),
                ("data", c_void_p), ("bytes", c_uint64)]


class _Type(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("kind", c_int32), ("dtype", c_int32), ("rank", c_int32), ("dims", POINTER(c_uint32)),
                ("is_complex", c_int32), ("reserved", c_int32)]


class _Attr(ctypes.Structure):
    _fields_ = [("name", _Str), ("kind", c_int32), ("count", c_uint32), ("i", c_int64), ("f", c_double), ("s", _Str),
                ("ints", POINTER(c_int64)), ("floats", POINTER(c_double)), ("strings", POINTER(_Str)), ("tensor", POINTER(_Tensor))]


class _BlockParam(ctypes.Structure):
    _fields_ = [("name", _Str), ("type", POINTER(_Type)), ("like", c_uint32), ("reserved", c_uint32)]


class _Message(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("severity", c_int32), ("code", _Str), ("text", _Str), ("hint", _Str)]


class _Host(ctypes.Structure):
    pass


_Host._fields_ = [("struct_size", c_uint32), ("abi_major", c_uint16), ("abi_minor", c_uint16), ("version", _Str),
                  ("get_interface", CFUNCTYPE(c_void_p, POINTER(_Host), _Str))]


class _Plugin(ctypes.Structure):
    pass


_GET = CFUNCTYPE(c_void_p, POINTER(_Plugin), _Str)
_QUERY = CFUNCTYPE(c_void_p, POINTER(_Host))
_Plugin._fields_ = [("struct_size", c_uint32), ("abi_major", c_uint16), ("min_abi_minor", c_uint16), ("id", _Str), ("version", _Str),
                    ("get_interface", _GET), ("user", c_void_p)]
_TRANSLATE = CFUNCTYPE(c_int32, c_void_p, c_void_p)


class _Mapping(ctypes.Structure):
    _fields_ = [("torch_op", _Str), ("min_opset", c_int32), ("max_opset", c_int32), ("flags", c_uint32), ("reserved", c_uint32),
                ("translate", _TRANSLATE), ("user", c_void_p)]


class _MappingApi(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("count", c_uint32), ("mappings", POINTER(_Mapping)), ("mapping_size", c_uint64)]


def _table(*functions: tuple[str, Any, list[Any]]) -> type[ctypes.Structure]:
    """A table of the host: its first functions, in order; each takes the context first."""
    members: list[tuple[str, Any]] = [("struct_size", c_uint32), ("reserved", c_uint32)]
    members += [(name, CFUNCTYPE(result, c_void_p, *given)) for name, result, given in functions]
    return type("_Table", (ctypes.Structure,), {"_fields_": members})


_OP = _table(("name", _Str, []), ("arg", c_uint32, [_Str]), ("arg_count", c_uint32, []), ("arg_name", _Str, [c_uint32]),
             ("arg_kind", c_int32, [c_uint32]), ("arg_int", c_int64, [c_uint32]), ("arg_real", c_double, [c_uint32]),
             ("arg_string", _Str, [c_uint32]), ("arg_size", c_uint32, [c_uint32]), ("arg_item", c_uint32, [c_uint32, c_uint32]),
             ("arg_value", c_uint32, [c_uint32]), ("result_type", c_int32, [c_void_p, c_uint32]), ("output_count", c_uint32, []),
             ("output_used", c_int32, [c_uint32]), ("output_dtype", c_int32, [c_uint32]),
             ("set_results", c_int32, [POINTER(c_uint32), c_uint32]),
             ("set_list_result", c_int32, [c_uint32, POINTER(c_uint32), c_uint32]))
_GRAPH = _table(("dtype", c_int32, [c_uint32]), ("rank", c_int32, [c_uint32]), ("dim", c_int64, [c_uint32, c_uint32]),
                ("same_dim", c_int32, [c_uint32] * 4), ("type", c_int32, [c_uint32, POINTER(_Type)]),
                ("constant", c_int32, [c_uint32, POINTER(_Tensor)]), ("is_complex", c_int32, [c_uint32]),
                ("is_number", c_int32, [c_uint32]), ("target_opset", c_int32, []))
_TWO = [c_uint32, c_uint32]
_DIM = _table(("number", c_uint32, [c_int64]), ("of_axis", c_uint32, _TWO), ("of_element", c_uint32, _TWO), ("of_arg", c_uint32, [c_uint32]),
              ("fresh", c_uint32, []), ("add", c_uint32, _TWO), ("sub", c_uint32, _TWO), ("mul", c_uint32, _TWO),
              ("floor_div", c_uint32, _TWO), ("mod", c_uint32, _TWO), ("min", c_uint32, _TWO), ("max", c_uint32, _TWO),
              ("equal", c_int32, _TWO), ("static_size", c_int64, [c_uint32]), ("text", _Str, [c_uint32]))
_EMIT = _table(("node", c_int32, [_Str, _Str, POINTER(c_uint32), c_uint32, POINTER(_Attr), c_uint32, c_uint64, POINTER(c_uint32), c_uint32]),
               ("constant", c_uint32, [POINTER(_Tensor)]), ("dim", c_uint32, _TWO), ("shape", c_uint32, [c_void_p, c_uint32]),
               ("begin_block", c_int32, [POINTER(_BlockParam), c_uint32, c_uint64, POINTER(c_uint32)]),
               ("end_block", c_int64, [POINTER(c_uint32), c_uint32]),
               ("set_complex", c_uint32, [c_uint32, c_int32]), ("set_type", c_int32, [c_uint32, POINTER(_Type)]))
_DIAG = _table(("decline", None, [POINTER(_Message)]), ("fail", None, [POINTER(_Message)]), ("tell", None, [POINTER(_Message)]))
_APIS = {"op": _OP, "graph": _GRAPH, "dim": _DIM, "emit": _EMIT, "diag": _DIAG}


class Decline(Exception):
    """The next mapping of the operator is to be asked."""


@dataclass(frozen=True)
class Size:
    """The size of an axis that is no number: a name or an expression of names, unless the text is '?'."""
    text: str
    handle: int


@dataclass(frozen=True)
class Value:
    """A value of the graph that is being written."""
    handle: int
    dtype: int  # as ONNX numbers element types
    dims: tuple[int | Size, ...] | None  # None: not even the rank is known
    is_number: bool = False


@dataclass(frozen=True)
class Block:
    """The body of a graph attribute, as end_block numbered it."""
    number: int


@dataclass(frozen=True)
class DType:
    """An element type among the arguments, as ONNX numbers it."""
    number: int


class Call:
    """One call of a torch operator that is being mapped."""

    def __init__(self, apis: dict[str, Any], context: int) -> None:
        self._apis, self._context = apis, context
        self.name = apis["op"].name(context).text()
        self.arguments = {self._name(i): self._argument(self._find(i)) for i in range(apis["op"].arg_count(context))}

    # ---- what is asked ----

    def _name(self, index: int) -> str:
        return self._apis["op"].arg_name(self._context, index).text()

    def _find(self, index: int) -> int:
        return self._apis["op"].arg(self._context, self._apis["op"].arg_name(self._context, index))

    def _argument(self, arg: int) -> Any:
        op, context = self._apis["op"], self._context
        kind = op.arg_kind(context, arg) if arg else 0
        if kind == 0:
            return None
        if kind == 2:
            return op.arg_int(context, arg)
        if kind == 3:
            return op.arg_real(context, arg)
        if kind == 4:
            return bool(op.arg_int(context, arg))
        if kind == 5:
            return op.arg_string(context, arg).text()
        if kind == 6:
            return DType(op.arg_int(context, arg))
        if kind == 7:
            return [self._argument(op.arg_item(context, arg, i)) for i in range(op.arg_size(context, arg))]
        if kind == 8:
            raise Decline(f"an argument of {self.name} is a list whose length is known at run time only")
        return self.value(op.arg_value(context, arg))

    def value(self, handle: int) -> Value:
        graph, context = self._apis["graph"], self._context
        if graph.is_complex(context, handle):
            raise Decline(f"{self.name} is given complex numbers")
        rank = graph.rank(context, handle)
        dims = None if rank < 0 else tuple(self._size(handle, axis) for axis in range(rank))
        return Value(handle, graph.dtype(context, handle), dims, bool(graph.is_number(context, handle)))

    def _size(self, handle: int, axis: int) -> int | Size:
        dim, context = self._apis["dim"], self._context
        size = dim.of_axis(context, handle, axis)
        number = dim.static_size(context, size) if size else -1
        return number if number >= 0 else Size(dim.text(context, size).text() if size else "?", size)

    def constant_of(self, value: Value) -> tuple[tuple[int, ...], bytes] | None:
        """Sizes and bytes of a value that is a constant."""
        out = _Tensor(struct_size=ctypes.sizeof(_Tensor))
        if not self._apis["graph"].constant(self._context, value.handle, out):
            return None
        return tuple(out.dims[i] for i in range(out.rank)), ctypes.string_at(out.data, out.bytes) if out.bytes else b""

    @property
    def target_opset(self) -> int:
        return self._apis["graph"].target_opset(self._context)

    @property
    def output_count(self) -> int:
        return self._apis["op"].output_count(self._context)

    def output_dtype(self, index: int) -> int:
        return self._apis["op"].output_dtype(self._context, index)

    # ---- what is emitted ----

    def constant(self, dtype: int, dims: Sequence[int], data: bytes) -> int:
        tensor, kept = _tensor(dtype, dims, data)
        out = self._apis["emit"].constant(self._context, tensor)
        del kept
        return self._checked(out)

    def node(self, domain: str, op_type: str, inputs: Sequence[int], attributes: Sequence[tuple[str, Any]], outputs: int) -> list[int]:
        """`attributes`: ints, floats, texts, lists of them, and tensors as (dtype, dims, bytes)."""
        kept: list[Any] = []
        attrs = (_Attr * len(attributes))(*(_attribute(name, value, kept) for name, value in attributes))
        out = (c_uint32 * outputs)()
        status = self._apis["emit"].node(self._context, _Str.of(domain), _Str.of(op_type), (c_uint32 * len(inputs))(*inputs), len(inputs),
                                         attrs, len(attributes), ctypes.sizeof(_Attr), out, outputs)
        if status != OK:
            raise Refused
        return list(out)

    def begin_block(self, parameters: Sequence[tuple[str, tuple[int, Sequence[int | Size | None] | None]]]) -> list[int]:
        """What is emitted goes into the body of a graph attribute, until end_block. Gives its parameters."""
        names = [_Str.of(name) for name, _ in parameters]
        kinds = [self._type(*kind) for _, kind in parameters]
        rows = (_BlockParam * max(len(parameters), 1))(*(_BlockParam(name, ctypes.pointer(kind)) for name, (kind, _) in zip(names, kinds)))
        out = (c_uint32 * max(len(parameters), 1))()
        if self._apis["emit"].begin_block(self._context, rows, len(parameters), ctypes.sizeof(_BlockParam), out) != OK:
            raise Refused
        return list(out)[:len(parameters)]

    def end_block(self, results: Sequence[int]) -> Block:
        number = self._apis["emit"].end_block(self._context, (c_uint32 * max(len(results), 1))(*results), len(results))
        if number < 0:
            raise Refused
        return Block(number)

    def _type(self, dtype: int, dims: Sequence[int | Size | None] | None) -> tuple[_Type, Any]:
        dim, context = self._apis["dim"], self._context
        sizes = None
        if dims is not None:
            found = [dim.fresh(context) if d is None else d.handle if isinstance(d, Size) else dim.number(context, d) for d in dims]
            sizes = (c_uint32 * len(found))(*found)
        return _Type(ctypes.sizeof(_Type), 1, dtype, -1 if dims is None else len(dims), sizes, 0, 0), sizes

    def set_type(self, handle: int, dtype: int, dims: Sequence[int | Size | None] | None) -> None:
        kind, _sizes = self._type(dtype, dims)
        if self._apis["emit"].set_type(self._context, handle, kind) != OK:
            raise Refused

    def set_results(self, results: Sequence[int | list[int]]) -> int:
        op, context = self._apis["op"], self._context
        for i, result in enumerate(results):
            if isinstance(result, list) and op.set_list_result(context, i, (c_uint32 * len(result))(*result), len(result)) != OK:
                return FAILED
        if all(isinstance(r, list) for r in results):
            return OK
        handles = [0 if isinstance(r, list) else r for r in results]
        return op.set_results(context, (c_uint32 * len(handles))(*handles), len(handles))

    def tell(self, text: str) -> None:
        """A warning."""
        _say(self._apis, self._context, "tell", text)

    def _checked(self, handle: int) -> int:
        if not handle:
            raise Refused
        return handle


class Refused(Exception):
    """The host has said why already."""


def _tensor(dtype: int, dims: Sequence[int], data: bytes) -> tuple[_Tensor, Any]:
    sizes = (c_int64 * max(len(dims), 1))(*dims)
    out = _Tensor(ctypes.sizeof(_Tensor), dtype, len(dims), 0, sizes, ctypes.cast(ctypes.c_char_p(data), c_void_p), len(data))
    return out, (sizes, data)


def _attribute(name: str, value: Any, kept: list[Any]) -> _Attr:
    text = _Str.of(name)
    kept.append(text)
    out = _Attr(name=text)
    if isinstance(value, Block):
        out.kind, out.i = 8, value.number
    elif isinstance(value, tuple):
        tensor, held = _tensor(*value)
        kept += [tensor, held]
        out.kind, out.tensor = 4, ctypes.pointer(tensor)
    elif isinstance(value, (bool, int)):
        out.kind, out.i = 1, int(value)
    elif isinstance(value, float):
        out.kind, out.f = 2, value
    elif isinstance(value, (str, bytes)):
        kept.append(_Str.of(value))
        out.kind, out.s = 3, kept[-1]
    elif all(isinstance(v, int) for v in value):
        out.kind, out.count, out.ints = 5, len(value), (c_int64 * len(value))(*value)
    elif all(isinstance(v, (int, float)) for v in value):
        out.kind, out.count, out.floats = 6, len(value), (c_double * len(value))(*value)
    else:
        texts = [_Str.of(v) for v in value]
        kept += texts
        out.kind, out.count, out.strings = 7, len(value), (_Str * len(value))(*texts)
    return out


# ---- the plugin ----

Translate = Callable[[Call], Sequence[Any]]


@dataclass
class PythonMappings:
    """Operators ("ns::name", or "ns::name.overload") and the functions that map them; which schemas and domains they bring."""
    functions: dict[str, Translate]
    schemas: list[str] = field(default_factory=list)
    domains: dict[str, int] = field(default_factory=dict)
    raised: list[BaseException] = field(default_factory=list)  # what the functions raised, in order

    def manifest(self) -> str:
        import json

        domains = ", ".join(f"{{name: {json.dumps(name)}, version: {version}}}" for name, version in self.domains.items() if name)
        return "\n".join((
            "onnxport_manifest: 1", f'plugin: {{id: {_ID}, version: "{_VERSION}", publisher: the caller}}',
            "library:", "  linux_amd64: {path: libonnxport_python.so}", "  linux_arm64: {path: libonnxport_python.so}", "provides:",
            f"  ops: {json.dumps(list(self.functions))}", *([f"  domains: [{domains}]"] if domains else []),
            *([f"  schemas: {json.dumps(self.schemas)}"] if self.schemas else []), ""))


_LOCK = threading.Lock()  # one export with mappings of Python at a time
_KEPT: list[Any] = []  # what the core may still point to: tables live as long as the process


class _Files:
    """The library beside the manifest that names it, for as long as the process lives."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="onnxport-"))
        import atexit

        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        found = find_library().parent
        places = [found / "onnxport" / "python", found / "python"]
        source = next((p / "libonnxport_python.so" for p in places if (p / "libonnxport_python.so").is_file()), None)
        if source is None:
            raise ExportError(f"there is no libonnxport_python.so in {' or '.join(map(str, places))}, which mappings in Python need: "
                              "install the wheel again")
        shutil.copyfile(source, self.folder / source.name)
        self.library = ctypes.CDLL(str(self.folder / source.name))
        self.library.onnxport_python_serve.argtypes, self.library.onnxport_python_serve.restype = [c_void_p], None
        self.count = 0

    def write(self, text: str) -> Path:
        self.count += 1
        out = self.folder / f"python{self.count}.onnxport.yaml"
        out.write_text(text)
        return out


_FILES: list[_Files] = []


def _run(mappings: PythonMappings, function: Translate, apis: dict[str, Any], context: int) -> int:
    """Nothing that Python raises may reach the core."""
    call = None
    try:
        call = Call(apis, context)
        return call.set_results(function(call))
    except Refused:
        return FAILED
    except Decline as why:
        _say(apis, context, "decline", str(why))
        return DECLINED
    except BaseException as error:  # noqa: BLE001
        mappings.raised.append(error)
        name = call.name if call is not None else "an operator"
        _say(apis, context, "fail", f"the Python function for {name} raised {type(error).__name__}: {error}")
        return FAILED


def _say(apis: dict[str, Any], context: int, how: str, text: str) -> None:
    words = _Str.of(text)
    message = _Message(ctypes.sizeof(_Message), 1, _Str(), words, _Str())
    getattr(apis["diag"], how)(context, message)


def _tables(mappings: PythonMappings, host: Any) -> _Plugin | None:
    apis = {}
    for name, kind in _APIS.items():
        found = host.contents.get_interface(host, _Str.of(f"onnxport.{name}/1"))
        if not found:
            return None
        apis[name] = kind.from_address(found)
    rows = (_Mapping * len(mappings.functions))()
    kept: list[Any] = [rows, apis]
    for row, (op, function) in zip(rows, mappings.functions.items()):
        def translate(context: int, _: Any, function: Translate = function) -> int:
            return _run(mappings, function, apis, context)

        name, called = _Str.of(op), _TRANSLATE(translate)
        row.torch_op, row.translate = name, called
        kept += [name, called]
    table = _MappingApi(ctypes.sizeof(_MappingApi), len(rows), rows, ctypes.sizeof(_Mapping))
    names = [_Str.of(_ID), _Str.of(_VERSION)]
    get = _GET(lambda _, name: ctypes.addressof(table) if name.text() == "onnxport.mapping/1" else None)
    plugin = _Plugin(ctypes.sizeof(_Plugin), 1, 0, *names, get, None)
    _KEPT.append((kept, table, names, get, plugin))
    return plugin


@contextlib.contextmanager
def serving(mappings: PythonMappings) -> Iterator[Callable[[], dict[str, Any]]]:
    """Meanwhile exports of this thread ask these mappings, before all others. Gives a function that says what must be added to the
    options `plugins` of an export; to be asked again when `mappings.domains` has changed."""
    with _LOCK:
        if not _FILES:
            _FILES.append(_Files())
        files = _FILES[0]

        def query(host: Any) -> int | None:
            try:
                plugin = _tables(mappings, host)
            except BaseException as error:  # noqa: BLE001
                mappings.raised.append(error)
                return None
            return ctypes.addressof(plugin) if plugin is not None else None

        held = _QUERY(query)
        files.library.onnxport_python_serve(ctypes.cast(held, c_void_p))
        written: list[Path] = []

        def options() -> dict[str, Any]:
            written.append(files.write(mappings.manifest()))
            return {"files": [str(written[-1])], "prefer": [_ID]}

        try:
            yield options
        finally:
            files.library.onnxport_python_serve(None)
            for path in written:
                path.unlink(missing_ok=True)
