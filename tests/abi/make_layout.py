"""make_layout.py HEADER CC: prints the layout of every struct of abi.h as LAYOUT(struct, member, offset) and SIZE(struct, bytes).

The lines of a released header are kept (layout_1_0.inc) and hold for ever; what a later header appends gets a file of its own."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def structs(text: str) -> dict[str, list[str]]:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    found = {}
    for name, body in re.findall(r"struct (onnxport_\w+) \{(.*?)\n\}", text, flags=re.S):
        members = []
        for declaration in body.split(";"):
            function = re.search(r"\(\*(\w+)\)\(", declaration)
            plain = re.search(r"(\w+)\s*$", declaration)
            if function or plain:
                members.append((function or plain).group(1))
        found[name] = members
    return found


def main() -> None:
    header, compiler = Path(sys.argv[1]), sys.argv[2]
    lines = []
    for name, members in structs(header.read_text()).items():
        lines += [f'printf("LAYOUT({name}, {m}, %zu)\\n", offsetof({name}, {m}));' for m in members]
        lines.append(f'printf("SIZE({name}, %zu)\\n", sizeof({name}));')
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "layout.c"
        source.write_text(f'#include <stdio.h>\n#include "{header.resolve()}"\nint main(void) {{\n' + "\n".join(lines) + "\nreturn 0;\n}\n")
        subprocess.run([compiler, "-std=c99", source, "-o", f"{folder}/layout"], check=True)
        sys.stdout.write(subprocess.run([f"{folder}/layout"], check=True, capture_output=True, text=True).stdout)


main()
