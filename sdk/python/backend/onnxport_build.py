"""Makes the wheel: the Python files, and what `cmake --install` put into a folder. `./dev wheel` does the whole.

As a PEP 517 backend (`pip wheel sdk/python`) it takes the folder from ONNXPORT_PREFIX. As a program:

    onnxport_build.py PREFIX OUT [--torch RELEASE]     --torch: the torch (2.13) that PREFIX's libonnxport_torch was built with

The wheel is one for every Python and every torch. Its tag here is linux_<machine>: the libraries that it needs are this system's.
`auditwheel repair` puts them inside and sets the tag by what is then still asked of a system.
"""
from __future__ import annotations

import base64
import hashlib
import os
import platform
import re
import stat
import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
ROOT = PACKAGE.parent.parent
METADATA = """Metadata-Version: 2.1
Name: onnxport
Version: {version}
Summary: PyTorch models to ONNX: torch.onnx.export's own call over a C++ core, with plugins
License: Apache-2.0
Requires-Python: >=3.10
Provides-Extra: torch
Requires-Dist: torch>=2.6; extra == "torch"
Provides-Extra: check
Requires-Dist: onnx; extra == "check"
Requires-Dist: onnx-ir; extra == "check"
Requires-Dist: onnxruntime; extra == "check"
Description-Content-Type: text/markdown

{readme}"""


def version() -> str:
    return re.search(r"project\(onnxport VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def tag() -> str:
    return f"py3-none-{platform.system().lower()}_{platform.machine()}"


class Wheel:
    """A zip with a RECORD, the same bytes for the same files."""

    def __init__(self, folder: Path) -> None:
        self.info = f"onnxport-{version()}.dist-info"
        self.path = folder / f"onnxport-{version()}-{tag()}.whl"
        self.record: list[str] = []
        self.zip = zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED)

    def add(self, name: str, data: bytes, executable: bool = False) -> None:
        entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
        self.zip.writestr(entry, data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        self.record.append(f"{name},sha256={digest},{len(data)}")

    def add_file(self, path: Path, name: str) -> None:
        self.add(name, path.read_bytes(), os.access(path, os.X_OK))

    def close(self) -> Path:
        self.add(f"{self.info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: onnxport\nRoot-Is-Purelib: false\nTag: {tag()}\n".encode())
        readme = (ROOT / "docs" / "python.md").read_text()
        self.add(f"{self.info}/METADATA", METADATA.format(version=version(), readme=readme).encode())
        self.add(f"{self.info}/entry_points.txt", b"[console_scripts]\nonnxport = onnxport.__main__:main\n")
        self.add(f"{self.info}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes())
        record = "\n".join([*self.record, f"{self.info}/RECORD,,", ""])
        self.zip.writestr(zipfile.ZipInfo(f"{self.info}/RECORD", (2020, 1, 1, 0, 0, 0)), record)
        self.zip.close()
        return self.path


def add_libraries(wheel: Wheel, prefix: Path, torch_release: str | None) -> None:
    """A wheel holds no links: each library under the name that its users ask for."""
    folder = next((prefix / name for name in ("lib", "lib64") if (prefix / name / "libonnxport.so").exists()), None)
    if folder is None:
        raise SystemExit(f"there is no libonnxport.so in {prefix}/lib: ./dev install {prefix} puts it there")
    wheel.add_file(folder / "libonnxport.so", "onnxport/lib/libonnxport.so.0")
    for path in sorted((folder / "onnxport").rglob("*")):
        if path.is_file():
            wheel.add_file(path, f"onnxport/lib/{path.relative_to(folder)}")
    back_end = folder / "libonnxport_torch.so"
    if torch_release and back_end.exists():
        wheel.add_file(back_end, f"onnxport/lib/torch/{torch_release}/libonnxport_torch.so")
    configs = prefix / "share" / "onnxport" / "configs"
    for path in sorted(configs.rglob("*")) if configs.is_dir() else ():
        if path.is_file():
            wheel.add_file(path, f"onnxport/share/onnxport/configs/{path.relative_to(configs)}")
    wheel.add_file(prefix / "bin" / "onnxport", "onnxport/bin/onnxport")


def make(prefix: Path, out: Path, torch_release: str | None = None) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    wheel = Wheel(out)
    for path in sorted((PACKAGE / "onnxport").glob("*.py")):
        wheel.add_file(path, f"onnxport/{path.name}")
    add_libraries(wheel, prefix, torch_release)
    return wheel.close()


# ---- PEP 517 ----

def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None) -> str:
    prefix = os.environ.get("ONNXPORT_PREFIX")
    if not prefix:
        raise SystemExit("ONNXPORT_PREFIX names the folder of `./dev install FOLDER`; ./dev wheel does all of it")
    return make(Path(prefix), Path(wheel_directory), os.environ.get("ONNXPORT_WHEEL_TORCH")).name


def main(words: list[str]) -> None:
    release = None
    if "--torch" in words:
        at = words.index("--torch")
        release = words[at + 1]
        del words[at:at + 2]
    prefix, out = words
    print(make(Path(prefix), Path(out), release))


if __name__ == "__main__":
    main(sys.argv[1:])
