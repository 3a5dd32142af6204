"""What a component includes is what it declares, and no component uses, through others, itself; unit tests lie in folders
named as the components; docs/architecture.md has a line for each component; the top level
holds what belongs there.

    check_layout.py COMPONENTS.json SOURCE_DIR            the tree itself
    check_layout.py COMPONENTS.json SOURCE_DIR --planted  that planted faults are found

COMPONENTS.json is written when the build is configured (onnxport_component in sdk/cmake/OnnxportComponent.cmake).
"""
import json
import re
import sys
import tempfile
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# Of the C library and the kernel; what is neither here nor declared is refused.
SYSTEM = re.compile(r"(sys|linux)/\w+\.h|(cxxabi|dlfcn|elf|errno|execinfo|fcntl|fnmatch|glob|link|malloc|poll|pthread|signal|spawn|termios|unistd)\.h|[a-z_]+")

TOP_LEVEL = set("CMakeLists.txt CMakePresets.json core plugins sdk configs tests docs dev build".split() +
                "README.md LICENSE CONTRIBUTING.md CHANGELOG.md SECURITY.md".split())


class Layout:
    def __init__(self, declared: dict, root: Path) -> None:
        self.root = root
        self.components = declared["components"]
        self.headers = declared["headers"]
        self.public = {str(p.relative_to(root / "core/include")) for p in root.glob("core/include/onnxport/*.h")}

    def component_of(self, path: str) -> str | None:
        """Of a path below core/: the deepest folder that is a component."""
        folder = Path(path).parent
        while folder != Path("."):
            if str(folder) in self.components:
                return str(folder)
            folder = folder.parent
        return None

    def library_of(self, include: str) -> str | None:
        for library, prefixes in self.headers.items():
            if any(include.startswith(prefix) for prefix in prefixes):
                return library
        return None

    def fault_of_include(self, component: str, include: str, folder: Path) -> str | None:
        declared = self.components[component]
        if include.startswith("core/"):
            used = self.component_of(include.removeprefix("core/"))
            if used is None:
                return "is of no component"
            if used != component and used not in declared["uses"]:
                return f"needs USES {used}"
            return None if (self.root / include).is_file() else "does not exist"
        library = self.library_of(include)
        if library is not None:
            return None if library in declared["libraries"] else f"needs LIBRARIES {library}"
        if include in self.public or SYSTEM.fullmatch(include) or (folder / include).is_file():
            return None
        if include.endswith(".inc"):  # generated
            return None
        return "is of no library that the build knows (onnxport_headers in sdk/cmake/OnnxportDependencies.cmake)"

    def faults(self) -> list[str]:
        out = []
        used_by: dict[str, set[str]] = {name: set() for name in self.components}
        for file in sorted((self.root / "core").rglob("*")):
            if file.suffix not in (".h", ".cpp") or file.is_relative_to(self.root / "core/include"):
                continue
            relative = file.relative_to(self.root / "core")
            component = self.component_of(str(relative))
            if component is None:
                out.append(f"core/{relative}: is of no component that core/CMakeLists.txt declares")
                continue
            text = file.read_text()
            for match in INCLUDE.finditer(text):
                include = match.group(2)
                if include.startswith("core/"):
                    used_by[component].add(self.component_of(include.removeprefix("core/")) or "")
                else:
                    used_by[component].add(self.library_of(include) or "")
                fault = self.fault_of_include(component, include, file.parent)
                if fault is not None:
                    line = text.count("\n", 0, match.start()) + 1
                    out.append(f"core/{relative}:{line}: {component} includes {include}, which {fault}")
        for component, declared in self.components.items():
            for name in declared["uses"] + declared["libraries"]:
                if name not in used_by[component]:
                    out.append(f"core/CMakeLists.txt: {component} declares {name} and includes nothing of it")
        return out + self.circles() + self.strays()

    def strays(self) -> list[str]:
        out = []
        for file in sorted((self.root / "tests/unit").rglob("*.cpp")):
            folder = str(file.parent.relative_to(self.root / "tests/unit"))
            if folder not in self.components:
                out.append(f"tests/unit/{folder}: is named as no component")
        rows = re.findall(r"^\| (`.*?`) \|", (self.root / "docs/architecture.md").read_text(), re.MULTILINE)
        described = {name for row in rows for name in re.findall("`([^`]+)`", row)}
        for component in self.components.keys() - described:
            out.append(f"docs/architecture.md: says nothing of {component}")
        for component in described - self.components.keys() - {"include/onnxport"}:
            out.append(f"docs/architecture.md: describes {component}, which is no component")
        for entry in sorted(self.root.iterdir()):
            if entry.name not in TOP_LEVEL and not entry.name.startswith("."):
                out.append(f"{entry.name}: does not belong in the top level")
        return out

    def circles(self) -> list[str]:
        out: list[str] = []
        done: set[str] = set()

        def visit(component: str, path: list[str]) -> None:
            if component in path:
                circle = path[path.index(component):] + [component]
                out.append("core/CMakeLists.txt: a circle of USES: " + " -> ".join(circle))
                return
            if component in done:
                return
            for used in self.components.get(component, {"uses": []})["uses"]:
                visit(used, path + [component])
            done.add(component)

        for component in self.components:
            visit(component, [])
        return out


def planted(declared: dict) -> list[str]:
    """Each fault this test is there for, in a tree made for it: those that were not found."""
    components = {
        "low": {"uses": [], "libraries": []},
        "middle": {"uses": ["low"], "libraries": ["onnxport_deflate"]},
        "high": {"uses": ["middle"], "libraries": []},
    }
    right = {
        "core/low/low.h": "#pragma once\n#include <vector>\n#include <sys/stat.h>\n",
        "core/middle/middle.h": '#pragma once\n#include "core/low/low.h"\n#include "onnxport/errors.h"\n',
        "core/middle/middle.cpp": '#include "core/middle/middle.h"\n#include <libdeflate.h>\n',
        "core/high/high.cpp": '#include "core/middle/middle.h"\n',
        "core/include/onnxport/errors.h": "",
        "docs/architecture.md": "| component | what |\n| --- | --- |\n| `low`, `middle` | x |\n| `high` | y |\n",
    }
    cases = [  # the file, what is in it, what must be said; None: nothing
        ("core/high/high.cpp", right["core/high/high.cpp"], None),
        ("core/low/low.h", '#include "core/high/high.h"\n', "low includes core/high/high.h, which needs USES high"),
        ("core/high/high.cpp", '#include "core/middle/middle.h"\n# include "core/low/low.h"\n', "which needs USES low"),
        ("core/low/low.h", "#include <libdeflate.h>\n", "low includes libdeflate.h, which needs LIBRARIES onnxport_deflate"),
        ("core/low/low.h", "#include <onnx/onnx_pb.h>\n", "which needs LIBRARIES onnxport_onnx_lib"),
        ("core/low/low.h", "#include <gsl/gsl_math.h>\n", "gsl/gsl_math.h, which is of no library that the build knows"),
        ("core/high/high.cpp", "#include <vector>\n", "high declares middle and includes nothing of it"),
        ("core/attic/old.cpp", "", "core/attic/old.cpp: is of no component"),
        ("tests/unit/upper/upper_test.cpp", "", "tests/unit/upper: is named as no component"),
        ("docs/architecture.md", "| `low` | x |\n| `attic` | y |\n", "says nothing of middle"),
        ("docs/architecture.md", "| `low` | x |\n| `attic` | y |\n", "describes attic, which is no component"),
        ("results.jsonl", "", "results.jsonl: does not belong in the top level"),
    ]
    missed = []
    for file, text, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (right | {file: text}).items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
            found = Layout({"components": components, "headers": declared["headers"]}, Path(folder)).faults()
        if expected is None and found or expected is not None and not any(expected in fault for fault in found):
            missed.append(f"{file} with {text!r}: expected {expected!r}, found {found}")
    circle = components | {"low": {"uses": ["high"], "libraries": []}}
    found = Layout({"components": circle, "headers": {}}, Path("/nowhere")).circles()
    if found != ["core/CMakeLists.txt: a circle of USES: low -> high -> middle -> low"]:
        missed.append(f"a circle: found {found}")
    return missed


def main() -> int:
    declared = json.loads(Path(sys.argv[1]).read_text())
    if "--planted" in sys.argv:
        faults = planted(declared)
    else:
        faults = Layout(declared, Path(sys.argv[2])).faults()
    print("\n".join(faults) if faults else "nothing undeclared")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
