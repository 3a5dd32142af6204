"""What is installed names no folder of the machine that built it.

    check_installed.py CMAKE BUILD_DIR DEPS_DIR
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def absolute_search_paths(file: Path) -> list[str]:
    """Of RPATH and RUNPATH: what does not begin at the file's own place."""
    dynamic = subprocess.run(["readelf", "-d", str(file)], capture_output=True, text=True, check=True).stdout
    paths = [p for entry in re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", dynamic) for p in entry.split(":")]
    return [p for p in paths if p and not p.startswith("$ORIGIN")]


def main() -> int:
    cmake, build, deps = sys.argv[1:4]
    faults = []
    with tempfile.TemporaryDirectory() as prefix:
        subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
        files = [f for f in sorted(Path(prefix).rglob("*")) if f.is_file() and not f.is_symlink()]
        binaries = [f for f in files if f.read_bytes()[:4] == b"\x7fELF"]
        if len(binaries) < 10:
            faults.append(f"only {len(binaries)} programs and libraries were installed: {files}")
        for file in binaries:
            name = file.relative_to(prefix)
            faults += [f"{name} looks for libraries in {path}" for path in absolute_search_paths(file)]
            # Neither ONNX Runtime nor libtorch is where the build found it.
            for folder in (f"{deps}/ort", f"{deps}/venv"):
                if folder.encode() in file.read_bytes():
                    faults.append(f"{name} holds the path {folder}")
        for file in set(files) - set(binaries):
            if deps.encode() in file.read_bytes() or build.encode() in file.read_bytes():
                faults.append(f"{file.relative_to(prefix)} names {deps} or {build}")
    print("\n".join(faults) if faults else "nothing of this machine")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
