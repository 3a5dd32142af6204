#!/usr/bin/env python3
"""mutants.py pt|pt2|code COUNT [SEED] [--seconds S]: files with one thing wrong each, through the program; `code`: the code of a .pt.

No mutant may end it by a signal, take longer than 10 s or 1 GiB more memory than the intact file, be called a defect of ours, or
be exported with other weights than the intact file where a checksum says that they are damaged. The seed is printed; a mutant
that fails is kept, and named with the words that make it again.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

import onnx

import archives
import code_text
import runs

Parts = list[tuple[str, bytes]]


def flip(data: bytes, random_: random.Random, times: int = 1) -> bytes:
    out = bytearray(data)
    for _ in range(times if out else 0):
        out[random_.randrange(len(out))] ^= 1 << random_.randrange(8)
    return bytes(out)


def splice(data: bytes, random_: random.Random) -> bytes:
    """A piece that is left out, doubled, or replaced by odd bytes."""
    at = random_.randrange(len(data) + 1)
    piece = data[at:at + random_.choice((1, 4, 16, 64))]
    middle = random_.choice((b"", piece * 2, b"\xff" * len(piece), b"\0" * len(piece), random_.randbytes(len(piece))))
    return data[:at] + middle + data[at + len(piece):]


NUMBERS = ("0", "-1", "1", "2", "7", "255", "2147483648", "9223372036854775807", "-9223372036854775808", "1e308", "None", "True")


def change_text(data: bytes, random_: random.Random) -> bytes:
    """A word of code or JSON replaced by another word of it, or a number by an odd one."""
    text = data.decode(errors="replace")
    words = sorted({w for w in text.replace("(", " ").replace(")", " ").replace(",", " ").split() if len(w) < 40})
    if not words:
        return data
    old = random_.choice(words)
    new = random_.choice(NUMBERS) if random_.random() < 0.4 else random_.choice(words)
    at = [i for i in range(len(text)) if text.startswith(old, i)]
    at_ = random_.choice(at)
    return (text[:at_] + new + text[at_ + len(old):]).encode()


def change_json(data: bytes, random_: random.Random) -> bytes:
    document = json.loads(data)
    places: list[tuple[object, object]] = []

    def walk(value: object) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            places.append((value, key))
            walk(inner)

    walk(document)
    for _ in range(random_.choice((1, 1, 1, 2, 5))):
        holder, key = random_.choice(places)
        other, there = random_.choice(places)
        try:
            holder[key] = random_.choice((None, -1, 0, 2**63 - 1, "", "x" * 300, [], {}, 1e300, True, other[there]))  # type: ignore[index]
            json.dumps(document)
        except (KeyError, IndexError, ValueError, RecursionError):
            return data
    return json.dumps(document).encode()


class Mutator:
    def __init__(self, intact: Path, random_: random.Random) -> None:
        self.bytes = intact.read_bytes()
        self.records = archives.records(intact)
        self.random = random_

    def pick(self, fits: Callable[[str], bool]) -> str:
        return self.random.choice([name for name in self.records if fits(name)] or list(self.records))

    def changed(self, name: str, data: bytes) -> Parts:
        return [(n, data if n == name else d) for n, d in self.records.items()]

    # Each: writes the mutant; True when a checksum, or the lack of a whole file, must keep its weights out.
    def raw_flip(self, path: Path) -> bool:
        path.write_bytes(flip(self.bytes, self.random, self.random.choice((1, 1, 3))))
        return True

    def truncated(self, path: Path) -> bool:
        path.write_bytes(self.bytes[:self.random.randrange(len(self.bytes))])
        return True

    def weight_bit(self, path: Path) -> bool:
        name = self.pick(lambda n: "/data/" in n or "/constants/" in n)
        archives.write(path, self.changed(name, flip(self.records[name], self.random)),
                       crc={name: __import__("zlib").crc32(self.records[name])})
        return True

    def weight_size(self, path: Path) -> bool:
        name = self.pick(lambda n: "/data/" in n or "/constants/" in n)
        data = self.records[name]
        archives.write(path, self.changed(name, self.random.choice((b"", data[:1], data[:len(data) // 2], data[:-1], data * 2))),
                       align=self.random.choice((64, 1)), deflate=self.random.choice(((), (name,))))
        return False

    def directory(self, path: Path) -> bool:
        at = self.bytes.rindex(b"PK\5\6")
        start = self.bytes.index(b"PK\1\2")
        out = bytearray(self.bytes)
        for _ in range(self.random.choice((1, 2))):
            out[self.random.randrange(start, min(at + 22, len(out)))] = self.random.randrange(256)
        path.write_bytes(out)
        return False

    def dropped(self, path: Path) -> bool:
        name = self.random.choice(list(self.records))
        archives.write(path, [(n, d) for n, d in self.records.items() if n != name])
        return False

    def doubled(self, path: Path) -> bool:
        name = self.random.choice(list(self.records))
        second = (name.swapcase() if self.random.random() < 0.2 else name, flip(self.records[name], self.random))
        archives.write(path, [*self.records.items(), second])
        return True

    def pickle(self, path: Path) -> bool:
        name = self.pick(lambda n: n.endswith(".pkl") or n.endswith("byteorder"))
        change = self.random.choice((flip, splice))
        archives.write(path, self.changed(name, change(self.records[name], self.random)))
        return False

    def text(self, path: Path) -> bool:
        name = self.pick(lambda n: n.endswith(".py") or n.endswith("model.json"))
        data = self.records[name]
        if name.endswith(".json") and self.random.random() < 0.8:
            data = change_json(data, self.random)
        else:
            data = self.random.choice((change_text, change_text, splice))(data, self.random)
        archives.write(path, self.changed(name, data), deflate=self.random.choice(((), (name,))))
        return False


    def code(self, path: Path) -> bool:
        name = self.pick(lambda n: n.endswith(".py") and b"def " in self.records[n])
        text = code_text.changed(self.records[name].decode(), self.random)
        archives.write(path, [(n, text.encode() if n == name else d) for n, d in self.records.items() if not n.endswith(".debug_pkl")])
        return False


KINDS = {"code": ("code",), "pt": ("raw_flip", "truncated", "weight_bit", "weight_size", "directory", "dropped", "doubled", "pickle", "pickle", "text",
                "text", "text"),
         "pt2": ("raw_flip", "truncated", "weight_bit", "weight_size", "directory", "dropped", "doubled", "text", "text", "text",
                 "text", "text")}


def weights(path: Path) -> dict[str, bytes]:
    model = onnx.load(path)
    return {w.name: onnx.numpy_helper.to_array(w).tobytes() for w in model.graph.initializer}


def main() -> int:
    words, seconds = sys.argv[1:], float("inf")
    if "--seconds" in words:
        at = words.index("--seconds")
        seconds = float(words[at + 1])
        del words[at:at + 2]
    started = time.monotonic()
    kind, count = words[0], int(words[1])
    seed = int(words[2]) if len(words) > 2 else random.SystemRandom().randrange(1 << 32)
    print(f"{count} mutants of .{kind}, seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="onnxport-mutants-"))
    made = {"pt": archives.torchscript, "pt2": archives.programs, "code": archives.scripts}[kind](folder)
    intact = {}
    for name, (path, words) in made.items():
        usual = runs.run(path, folder / f"{name}.onnx", words)
        if usual.status != 0:
            raise SystemExit(f"the intact model {name} is not exported: {usual.text}")
        intact[name] = (usual, weights(folder / f"{name}.onnx"))
    faults = accepted = tried = 0
    for i in range(count):
        if time.monotonic() - started > seconds:
            break
        tried += 1
        random_ = random.Random(f"{seed}/{i}")
        name = random_.choice(sorted(made))
        path, words = made[name]
        how = random_.choice(KINDS[kind])
        mutant, output = folder / f"mutant{i}{path.suffix}", folder / f"mutant{i}.onnx"
        sealed = getattr(Mutator(path, random_), how)(mutant)
        found = runs.run(mutant, output, words)
        usual, expected = intact[name]
        fault = found.fault(usual.peak_kb)
        if fault is None and found.status == 0:
            accepted += 1
            if sealed and weights(output) != expected:
                fault = "exported with other weights"
        output.unlink(missing_ok=True)
        if fault is None:
            mutant.unlink()
            continue
        faults += 1
        print(f"FAIL {i} {name} {how}: {fault}\n     kept as {mutant}; again: mutants.py {kind} {i + 1} {seed}", flush=True)
    print(f"{tried} mutants, {accepted} accepted, {faults} failed")
    if not faults:
        shutil.rmtree(folder)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
