"""The codes of docs/errors.md against the sources and the tests: every code that the core gives is on the page, every one on
the page is given by the core and produced by a test, and each test that names an exit status names the one of the code's family.

    check_codes.py SOURCE_DIR            the tree itself
    check_codes.py SOURCE_DIR --planted  that planted faults are found

A test declares the codes that it produces by naming them in what it expects: "T501" as a literal, or `error T501` in a text.
"""
import re
import sys
from pathlib import Path

CODE = r"[MLACTOSVIFP]\d{3}"
PAGE_ROW = re.compile(rf"^\| ({CODE}(?:, {CODE})*) \|", re.MULTILINE)
FAMILY_ROW = re.compile(r"^\| ([A-Z]) [^|]*\| (\d+) \|", re.MULTILINE)
LITERAL = re.compile(rf'"({CODE})"')
PRODUCED = re.compile(rf'"({CODE})"|(?:error|warning|note) ({CODE})\b|"({CODE}): ')
WITH_STATUS = re.compile(rf'\b(?:refuse\w*|refused_\w+)\(\s*"({CODE})",\s*(\d+)')
SAYS = re.compile(rf'\b(?:says\w*|refused)\(\s*(\d+),(?:(?!\bself\.).)*?error ({CODE})\b', re.DOTALL)


def texts(root: Path, folder: str, endings: tuple[str, ...]) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted((root / folder).rglob("*"))
            if path.suffix in endings and path.name != Path(__file__).name}


def faults(page: str, core: dict[str, str], tests: dict[str, str]) -> list[str]:
    documented = {code for row in PAGE_ROW.findall(page) for code in row.split(", ")}
    statuses = {family: int(status) for family, status in FAMILY_ROW.findall(page)}
    given = {code for text in core.values() for code in LITERAL.findall(text)}
    produced = {code for text in tests.values() for match in PRODUCED.findall(text) for code in match if code}
    out = [f"{code} is given by the core and is not in docs/errors.md" for code in sorted(given - documented)]
    out += [f"{code} is in docs/errors.md and nothing in the core gives it" for code in sorted(documented - given)]
    out += [f"no test produces {code}" for code in sorted(documented - produced)]
    out += [f"the family of {code} has no exit status in docs/errors.md" for code in sorted(documented)
            if code[0] not in statuses]
    for name, text in tests.items():
        pairs = [(code, status) for code, status in WITH_STATUS.findall(text)]
        pairs += [(code, status) for status, code in SAYS.findall(text)]
        for code, status in pairs:
            if int(status) != statuses.get(code[0]):
                out.append(f"{name}: {code} with exit status {status}, which is not its family's")
    return out


def planted() -> list[str]:
    page = "| T translate | 14 |\n| T501 | nobody maps it |\n| T502 | declined |\n| T504 | thrown |\n"
    core = {"a.cpp": 'throw Error("T501", x); Error("T502", y); Error("T503", z);'}
    tests = {"a.py": 'self.refuse("T501", 13, model)\nself.refused(14, "x",\n "error T502: no")'}
    found = faults(page, core, tests)
    wanted = ["T503 is given by the core and is not in docs/errors.md", "T504 is in docs/errors.md and nothing in the core gives it",
              "no test produces T504", "a.py: T501 with exit status 13, which is not its family's"]
    return [f"not found: {fault}" for fault in wanted if fault not in found] + [f"found: {f}" for f in found if f not in wanted]


def main() -> int:
    root = Path(sys.argv[1])
    if "--planted" in sys.argv[2:]:
        found = planted()
    else:
        core = texts(root, "core", (".cpp", ".h"))
        found = faults((root / "docs/errors.md").read_text(), core, texts(root, "tests", (".c", ".py", ".cpp", ".h", ".txt")))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
