#!/usr/bin/env python3
"""onnxport.1, from what the program says of itself.

    make_man.py PROGRAM              prints the page
    make_man.py PROGRAM --write FILE
    make_man.py --check PROGRAM FILE whether FILE is that page
"""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HEADING = re.compile(r"^(\S.*):$")
FILES = [("PREFIX/share/doc/onnxport", "the manual: guide.md, plugins.md, tutorial.md, configs.md, errors.md (every code), and others"),
         ("PREFIX/share/onnxport/configs", "the profiles that come with onnxport"),
         ("PREFIX/share/onnxport/sdk", "what an author of plugins starts from: examples, templates, schemas, the conformance kit"),
         ("PREFIX/lib/onnxport/plugins.d", "the plugins that come with onnxport"),
         ("~/.config/onnxport/plugins.d, ~/.config/onnxport/configs", "the user's own plugins and profiles")]
ENVIRONMENT = [("ONNXPORT_PLUGIN_PATH", "folders of plugins, separated by ':'"),
               ("ONNXPORT_PLUGINS_DISABLE, ONNXPORT_PLUGINS_ENABLE", "globs of the ids of plugins to leave out, and of those that stay"),
               ("NO_COLOR", "no colours in messages")]


def help_of(program: str, *words: str) -> list[str]:
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def commands(lines: list[str]) -> list[str]:
    """The names below "Subcommands:"."""
    out, inside = [], False
    for line in lines:
        heading = HEADING.match(line)
        if heading:
            inside = heading.group(1) == "Subcommands"
        elif inside and (found := re.match(r"^  ([a-z]\S*)", line)):
            out.append(found.group(1))
    return out


def escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def body(lines: list[str]) -> list[str]:
    """Headings, entries of two columns, and text, as roff."""
    out: list[str] = []
    verbatim = False
    entry = re.compile(r"^  (\S(?:.*?\S)?)(?:\s{2,}(\S.*))?$")
    for line in lines:
        if line.startswith("Usage: "):
            continue
        heading = HEADING.match(line)
        if heading and heading.group(1) in ("Example", "Examples"):
            out += [".PP", f".B {heading.group(1)}", ".nf"]
            verbatim = True
        elif heading:
            title = heading.group(1).strip("[]").removeprefix("Option Group: ")
            out += [".PP", f".B {escaped(title)}"]
        elif not line.strip():
            if verbatim:
                out.append(".fi")
            verbatim = False
        elif verbatim:
            out.append(escaped(line))
        elif line.startswith(" " * 20):
            out.append(escaped(line.strip()))
        elif line.startswith("  ") and (found := entry.match(line)):
            out += [".TP", f".B {escaped(found.group(1))}"]
            if found.group(2):
                out.append(escaped(found.group(2)))
        else:
            if not out or out[-1] in (".fi", ".PP") or out[-1].startswith(".B "):
                out.append(".PP")
            elif len(out) > 1 and (out[-2].startswith(".B ") or out[-2] == ".TP"):
                out.append(".PP")
            out.append(escaped(line))
    if verbatim:
        out.append(".fi")
    return out


def pairs(rows: list[tuple[str, str]]) -> list[str]:
    return [line for name, text in rows for line in (".TP", f".I {escaped(name)}", escaped(text))]


def sections(program: str, words: tuple[str, ...] = ()) -> list[str]:
    lines = help_of(program, *words)
    usage = next(line.removeprefix("Usage: ") for line in lines if line.startswith("Usage: "))
    out = [f".SS {escaped(' '.join(words))}", f".B {escaped(usage)}", *body(lines)] if words else []
    for name in commands(lines):
        out += sections(program, (*words, name))
    return out


def page(program: str) -> str:
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    top = help_of(program)
    about = top[0]
    end = top.index("Subcommands:") if "Subcommands:" in top else len(top)
    lines = ['.\\" Made by docs/man/make_man.py from the program\'s own help: change the help, then run ./dev man.',
             f'.TH ONNXPORT 1 "" "{version}"', ".SH NAME", "onnxport \\- " + escaped("PyTorch models to ONNX, through plugins"),
             ".SH SYNOPSIS", ".B onnxport", escaped("COMMAND [OPTIONS]"), ".SH DESCRIPTION", escaped(about),
             *body(top[1:end]), ".SH COMMANDS", *sections(program), ".SH EXIT STATUS",
             *[escaped(line) for line in top[end:] if "Exit status" in line or line.startswith("13 ")],
             ".SH ENVIRONMENT", *pairs(ENVIRONMENT), ".SH FILES", "PREFIX is where onnxport is installed.", *pairs(FILES)]
    return "\n".join(lines) + "\n"


def main() -> int:
    if sys.argv[1] == "--check":
        wanted, there = page(sys.argv[2]), Path(sys.argv[3]).read_text()
        if wanted == there:
            return 0
        import difflib
        print("".join(list(difflib.unified_diff(there.splitlines(True), wanted.splitlines(True), sys.argv[3], "the program"))[:40]))
        print("the page is not what the program says: run ./dev man")
        return 1
    if len(sys.argv) == 4 and sys.argv[2] == "--write":
        Path(sys.argv[3]).write_text(page(sys.argv[1]))
        return 0
    print(page(sys.argv[1]), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
