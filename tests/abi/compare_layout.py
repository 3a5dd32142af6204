"""compare_layout.py FOLDER HEADER CC: the layout of today's header holds what each released one had; a struct may only be longer."""
import subprocess
import sys
from pathlib import Path


def lines(text: str) -> dict[str, int]:
    out = {}
    for line in text.splitlines():
        if line.startswith(("LAYOUT(", "SIZE(")):
            *what, number = line.rstrip(")").split(", ")
            out[", ".join(what)] = int(number)
    return out


def main() -> int:
    folder, header, compiler = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    make = [sys.executable, folder / "make_layout.py"]
    today = lines(subprocess.run([*make, header, compiler], check=True, capture_output=True, text=True).stdout)
    wrong = []
    for released in sorted(folder.glob("layout_*.inc")):
        for what, number in lines(released.read_text()).items():
            is_now = today.get(what)
            good = is_now is not None and (is_now >= number if what.startswith("SIZE(") else is_now == number)
            if not good:
                wrong.append(f"{released.name}: {what}, {number}) is now {is_now}")
        version = released.stem.removeprefix("layout_").replace("_", ".")
        frozen = folder / "frozen" / version / "onnxport" / "abi.h"
        copy = lines(subprocess.run([*make, frozen, compiler], check=True, capture_output=True, text=True).stdout)
        wrong += [f"{frozen}: {what}" for what, number in lines(released.read_text()).items() if copy.get(what) != number]
    print("\n".join(wrong) or f"{len(today)} lines hold")
    return 1 if wrong else 0


sys.exit(main())
