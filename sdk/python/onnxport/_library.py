"""libonnxport.so, by ctypes: the functions of onnxport/c.h. Calls release the GIL."""
from __future__ import annotations

import ctypes
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from onnxport._errors import Diagnostic, ExportError

_FOLDER = Path(__file__).resolve().parent


class _Text(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]

    @classmethod
    def of(cls, text: str) -> _Text:
        encoded = text.encode("utf-8", "surrogateescape")  # file names as the system gave them
        out = cls(ctypes.cast(ctypes.c_char_p(encoded), ctypes.c_void_p), len(encoded))
        out.kept = encoded
        return out

    def bytes(self) -> bytes:
        return ctypes.string_at(self.data, self.size) if self.size else b""


_PROGRESS = ctypes.CFUNCTYPE(None, ctypes.c_void_p, _Text, ctypes.c_double)
_SINK = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class _Weight(ctypes.Structure):
    _fields_ = [("name", _Text), ("dtype", ctypes.c_int32), ("rank", ctypes.c_uint32), ("dims", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("data", ctypes.c_void_p), ("byte_count", ctypes.c_size_t)]


class _Source(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("path", _Text), ("bytes", ctypes.c_void_p), ("byte_count", ctypes.c_size_t),
                ("weights", ctypes.POINTER(_Weight)), ("weight_count", ctypes.c_size_t), ("weight_size", ctypes.c_size_t)]


class _Callbacks(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("context", ctypes.c_void_p), ("progress", _PROGRESS), ("sink", _SINK)]


_RESULT = ctypes.c_void_p
_OUT = ctypes.POINTER(_RESULT)
_SIGNATURES = {
    "onnxport_convert": [ctypes.POINTER(_Source), ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Callbacks), _OUT],
    "onnxport_capture": [ctypes.POINTER(_Source), ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Callbacks), _OUT, _OUT],
    "onnxport_program_write": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Callbacks), _OUT],
    "onnxport_export": [ctypes.POINTER(_Source), ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Callbacks), _OUT],
    "onnxport_session_open": [ctypes.c_char_p, ctypes.c_size_t, _OUT, _OUT],
    "onnxport_session_export": [ctypes.c_void_p, ctypes.POINTER(_Source), ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Callbacks),
                                _OUT],
    "onnxport_verify": [ctypes.POINTER(_Source), _Text, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Callbacks), _OUT],
    "onnxport_show": [ctypes.POINTER(_Source), _Text, ctypes.c_char_p, ctypes.c_size_t, _OUT],
    "onnxport_plugins": [ctypes.c_char_p, ctypes.c_size_t, _OUT],
    "onnxport_which": [_Text, ctypes.c_char_p, ctypes.c_size_t, _OUT],
}
_GETTERS = ("model", "report", "text", "diagnostics", "message")


def find_library() -> Path:
    """ONNXPORT_LIBRARY, or the one in this package."""
    chosen = os.environ.get("ONNXPORT_LIBRARY")
    if chosen:
        return Path(chosen)
    for folder in ("lib", "lib64"):
        for path in sorted((_FOLDER / folder).glob("libonnxport.so*")):
            return path
    raise ExportError(f"there is no libonnxport.so in {_FOLDER}: install the wheel, or name a library in ONNXPORT_LIBRARY")


def find_program() -> Path:
    path = _FOLDER / "bin" / "onnxport"
    if not path.is_file():
        raise SystemExit(f"there is no program in {path.parent}: install the wheel")
    return path


def point_to_runtime() -> None:
    """ONNX Runtime's package holds the library that verification opens."""
    spec = None if os.environ.get("ONNXPORT_ORT_LIBRARY") else find_spec("onnxruntime")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in sorted((Path(folder) / "capi").glob("libonnxruntime.so*")):
            os.environ["ONNXPORT_ORT_LIBRARY"] = str(path)
            return


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    path = find_library()
    point_to_runtime()
    try:
        out = ctypes.CDLL(str(path))
    except OSError as error:
        raise ExportError(f"{path} cannot be loaded: {error}") from error
    for name, arguments in _SIGNATURES.items():
        function = getattr(out, name)
        function.argtypes, function.restype = arguments, ctypes.c_int32
    for name in _GETTERS:
        function = getattr(out, f"onnxport_result_{name}")
        function.argtypes, function.restype = [_RESULT], _Text
    for name in ("result", "program", "session"):
        free = getattr(out, f"onnxport_{name}_free")
        free.argtypes, free.restype = [ctypes.c_void_p], None
    out.onnxport_session_is_current.argtypes = [ctypes.c_void_p]
    out.onnxport_version.restype = ctypes.c_char_p
    return out


@dataclass
class Answer:
    """What a call gave: `report` is the JSON that `onnxport --json` prints."""
    model: bytes
    report: Any
    text: str
    diagnostics: list[Diagnostic]


def _answer(status: int, result: ctypes.c_void_p, raised: list[BaseException]) -> Answer:
    if not result:
        raise MemoryError("libonnxport has no memory for its answer")
    lib = library()
    try:
        got = {name: getattr(lib, f"onnxport_result_{name}")(result).bytes() for name in _GETTERS}
    finally:
        lib.onnxport_result_free(result)
    if raised:
        raise raised[0]
    found = [Diagnostic.of(d) for d in json.loads(got["diagnostics"])]
    if status != 0:
        raise ExportError(got["message"].decode("utf-8", "replace"), found, status)
    report = json.loads(got["report"]) if got["report"] else None
    return Answer(got["model"], report, got["text"].decode("utf-8", "replace"), found)


@dataclass(frozen=True)
class Weight:
    """A weight where it lies. `owner` keeps it there."""
    name: str
    dtype: int  # as ONNX numbers element types
    dims: tuple[int, ...]
    strides: tuple[int, ...]  # in elements
    address: int
    byte_count: int  # from the first element to the last
    owner: Any


@dataclass(frozen=True)
class Model:
    """The bytes of a file, and the weights that they do not hold."""
    data: Any
    weights: tuple[Weight, ...] = ()

    def __len__(self) -> int:
        return len(self.data)


def _weights(given: tuple[Weight, ...], kept: list[Any]) -> Any:
    rows = (_Weight * len(given))()
    for row, weight in zip(rows, given):
        name = _Text.of(weight.name)
        rank = len(weight.dims)
        row.name, row.dtype, row.rank = name, weight.dtype, rank
        row.dims, row.strides = (ctypes.c_int64 * rank)(*weight.dims), (ctypes.c_int64 * rank)(*weight.strides)
        row.data, row.byte_count = weight.address, weight.byte_count
        kept.append(name)
    kept += [rows, given]
    return rows


def _source(model: str | os.PathLike[str] | bytes | bytearray | memoryview | Model, name: str) -> tuple[_Source, Any]:
    """The source, and what must stay until the call returns."""
    if isinstance(model, Model):
        out, held = _source(model.data, name)
        kept = [held]
        out.weights = _weights(model.weights, kept)
        out.weight_count, out.weight_size = len(model.weights), ctypes.sizeof(_Weight)
        return out, kept
    out = _Source(struct_size=ctypes.sizeof(_Source))
    if isinstance(model, (bytes, bytearray, memoryview)):
        view = memoryview(model).cast("B")
        if view.readonly:
            held: Any = bytes(view) if not isinstance(model, bytes) else model
            out.bytes = ctypes.cast(ctypes.c_char_p(held), ctypes.c_void_p)
        else:
            held = (ctypes.c_char * len(view)).from_buffer(view)
            out.bytes = ctypes.cast(held, ctypes.c_void_p)
        out.path, out.byte_count = _Text.of(name), len(view)
        return out, (held, view, out.path)
    out.path = _Text.of(os.fspath(model))
    return out, out.path


def _callbacks(progress: Callable[[str, float], None] | None, sink: Callable[[bytes], Any] | None,
               raised: list[BaseException]) -> _Callbacks:
    """What a Python callback raises ends the export where that can be, and is raised again behind it."""
    def on_progress(_: Any, stage: _Text, fraction: float) -> None:
        try:
            progress(stage.bytes().decode(), fraction)
        except BaseException as error:  # noqa: BLE001 it must not reach C
            raised.append(error)

    def on_sink(_: Any, data: int, size: int) -> int:
        try:
            if not raised:
                sink(ctypes.string_at(data, size))
        except BaseException as error:  # noqa: BLE001
            raised.append(error)
        return 1 if raised else 0

    return _Callbacks(ctypes.sizeof(_Callbacks), None, _PROGRESS(on_progress) if progress else _PROGRESS(),
                      _SINK(on_sink) if sink else _SINK())


def _call(function: str, *arguments: Any, raised: list[BaseException] | None = None) -> Answer:
    result = _RESULT()
    status = getattr(library(), function)(*arguments, ctypes.byref(result))
    return _answer(status, result, raised or [])


def _json(options: dict[str, Any]) -> tuple[bytes, int]:
    text = json.dumps(options, default=os.fspath).encode()
    return text, len(text)


# ---- sessions ----

class _Session:
    """Plugins found once. Whoever exports with it holds it."""

    def __init__(self, plugins: dict[str, Any]) -> None:
        self.handle = ctypes.c_void_p()
        _call("onnxport_session_open", *_json({"plugins": plugins}), ctypes.byref(self.handle))

    def is_current(self) -> bool:
        return bool(library().onnxport_session_is_current(self.handle))

    def __del__(self) -> None:
        if getattr(self, "handle", None):
            library().onnxport_session_free(self.handle)


_LOCK = threading.Lock()
_SESSIONS: dict[str, _Session] = {}  # by the options "plugins"
_MOST_SESSIONS = 8


def _session(plugins: dict[str, Any] | None) -> _Session:
    """One of these options, as long as none of the files changes that it has read: looking for plugins takes as long as a small
    export. Raises what opening a session does."""
    key = json.dumps(plugins or {}, default=os.fspath, sort_keys=True)
    with _LOCK:
        known = _SESSIONS.get(key)
        if known is None or not known.is_current():
            if len(_SESSIONS) >= _MOST_SESSIONS:
                _SESSIONS.clear()
            known = _SESSIONS[key] = _Session(plugins or {})
        return known


def run_export(model: Any, options: dict[str, Any], *, name: str = "model", progress: Callable[[str, float], None] | None = None,
               sink: Callable[[bytes], Any] | None = None) -> Answer:
    source, held = _source(model, name)
    raised: list[BaseException] = []
    callbacks = _callbacks(progress, sink, raised)
    if (options.get("plugins") or {}).get("files"):  # of this call alone, such as mappings that are functions
        answer = _call("onnxport_export", source, *_json(options), callbacks, raised=raised)
    else:
        session = _session(options.get("plugins"))
        answer = _call("onnxport_session_export", session.handle, source, *_json(options), callbacks, raised=raised)
    del held
    return answer


def run_convert(model: Any, options: dict[str, Any], *, progress: Callable[[str, float], None] | None = None) -> Answer:
    source, held = _source(model, "model")
    raised: list[BaseException] = []
    callbacks = _callbacks(progress, None, raised)
    answer = _call("onnxport_convert", source, *_json(options), callbacks, raised=raised)
    del held
    return answer


class Program:
    """A captured model, to be written for several targets. It keeps what it was captured from."""

    def __init__(self, model: Any, options: dict[str, Any], *, progress: Callable[[str, float], None] | None = None) -> None:
        source, self._held = _source(model, "model")
        raised: list[BaseException] = []
        self._handle = ctypes.c_void_p()
        callbacks = _callbacks(progress, None, raised)
        self.answer = _call("onnxport_capture", source, *_json(options), callbacks, ctypes.byref(self._handle), raised=raised)

    def write(self, options: dict[str, Any], *, sink: Callable[[bytes], Any] | None = None) -> Answer:
        raised: list[BaseException] = []
        callbacks = _callbacks(None, sink, raised)
        return _call("onnxport_program_write", self._handle, *_json(options), callbacks, raised=raised)

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            library().onnxport_program_free(self._handle)


def run_verify(model: Any, onnx_file: str | os.PathLike[str], options: dict[str, Any]) -> Answer:
    source, held = _source(model, "model")
    answer = _call("onnxport_verify", source, _Text.of(os.fspath(onnx_file)), *_json(options), None)
    del held
    return answer


def run_show(model: Any, after: str, options: dict[str, Any]) -> Answer:
    source, held = _source(model, "model")
    answer = _call("onnxport_show", source, _Text.of(after), *_json(options))
    del held
    return answer


def run_plugins(options: dict[str, Any]) -> Answer:
    return _call("onnxport_plugins", *_json(options))


def run_which(operator: str, options: dict[str, Any]) -> Answer:
    return _call("onnxport_which", _Text.of(operator), *_json(options))


# ---- the back end for TorchScript files ----

def torch_library(torch_version: str) -> Path | None:
    """libonnxport_torch for this torch, which only fits the one it was built for: what ONNXPORT_TORCH_LIBRARY names, one in this
    package for this very release (lib/torch/2.13), or one beside the library that ONNXPORT_LIBRARY names."""
    chosen = os.environ.get("ONNXPORT_TORCH_LIBRARY")
    if chosen:
        return Path(chosen) if Path(chosen).is_file() else None
    folder = find_library().parent
    release = ".".join(torch_version.split(".")[:2])
    beside = [folder / "torch" / release] + ([folder] if os.environ.get("ONNXPORT_LIBRARY") else [])
    return next((path / "libonnxport_torch.so" for path in beside if (path / "libonnxport_torch.so").is_file()), None)


@lru_cache(maxsize=1)
def reads_torchscript(torch_version: str) -> bool:
    """Whether TorchScript can be read here. Tells the core where its back end is, before it looks for itself."""
    path = torch_library(torch_version)
    os.environ["ONNXPORT_TORCH_LIBRARY"] = str(path) if path is not None else "/nonexistent"
    return path is not None
