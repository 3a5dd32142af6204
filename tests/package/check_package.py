"""What is in the package, and that nothing of it names a folder of the machine that made it.

    check_package.py PREFIX SOURCE_DIR BUILD_DIR DEPS_DIR
"""
import gzip
import re
import subprocess
import sys
from pathlib import Path

# What a plugin's author needs beside the program, and whoever builds with the library.
WANTED = """
bin/onnxport lib/libonnxport.so lib/onnxport/plugins.d/aten.onnxport.yaml lib/onnxport/plugins.d/libaten.so
include/onnxport/abi.h include/onnxport/plugin.hpp include/onnxport/builder.hpp include/onnxport/session.h include/onnxport/plugin_check.h
lib/cmake/onnxport/onnxportConfig.cmake lib/cmake/onnxport/onnxportConfigVersion.cmake lib/cmake/onnxport/OnnxportPluginProject.cmake
share/onnxport/configs/default.yaml share/onnxport/configs/onnxruntime.yaml
share/onnxport/sdk/testkit/onnxport_testkit.h share/onnxport/sdk/testkit/plugin_kit.cpp
share/onnxport/sdk/templates/cpp/CMakeLists.txt.in share/onnxport/sdk/templates/yaml/NAME.onnxport.yaml.in
share/onnxport/sdk/schema/manifest.schema.json share/onnxport/sdk/schema/config.schema.json
share/onnxport/sdk/tools/generate_opset_table.cpp
share/onnxport/sdk/example/CMakeLists.txt share/onnxport/sdk/example/acme.cpp share/onnxport/sdk/example/c/acme_c.c
share/onnxport/sdk/example/target/com.acme.npu.yaml share/onnxport/sdk/example/kernels/acme_ort_kernels.cpp
share/doc/onnxport/LICENSE share/doc/onnxport/plugins.md share/doc/onnxport/tutorial.md share/doc/onnxport/errors.md
share/man/man1/onnxport.1
""".split()
FEWEST_BINARIES = 10


def absolute_search_paths(file: Path) -> list[str]:
    """Of RPATH and RUNPATH: what does not begin at the file's own place."""
    dynamic = subprocess.run(["readelf", "-d", str(file)], capture_output=True, text=True, check=True).stdout
    paths = [p for entry in re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", dynamic) for p in entry.split(":")]
    return [p for p in paths if p and not p.startswith("$ORIGIN")]


def around(content: bytes, at: int) -> str:
    """The whole text that a path stands in."""
    begin = max(content.rfind(b"\0", 0, at), content.rfind(b"\n", 0, at)) + 1
    return content[begin:at + 160].split(b"\0")[0].split(b"\n")[0].decode(errors="replace")


def main() -> int:
    prefix, folders = Path(sys.argv[1]), [f for f in map(str, map(Path, sys.argv[2:])) if len(f) > 1]
    folders += [str(Path(f).resolve()) for f in folders]
    faults = [f"{name} is missing" for name in WANTED if not (prefix / name).is_file()]
    binaries = 0
    for file in sorted(prefix.rglob("*")):
        name = file.relative_to(prefix)
        if file.is_symlink() and file.readlink().is_absolute():
            faults.append(f"{name} is a link to {file.readlink()}")
        if file.is_symlink() or not file.is_file():
            continue
        content = file.read_bytes()
        if file.suffix == ".gz":
            content = gzip.decompress(content)
        if content[:4] == b"\x7fELF":
            binaries += 1
            faults += [f"{name} looks for libraries in {path}" for path in absolute_search_paths(file)]
        for folder in sorted(set(folders)):
            if (at := content.find(folder.encode())) >= 0:
                faults.append(f"{name} names {folder}: {around(content, at)}")
    if binaries < FEWEST_BINARIES:
        faults.append(f"only {binaries} programs and libraries")
    print("\n".join(faults) if faults else "all is there, and nothing of this machine")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
