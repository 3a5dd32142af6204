#!/usr/bin/env python3
"""Files that were made to hurt: code that libtorch's parser, compiler or folding cannot bear, archives that two readers see in
two ways, records and pickles that claim what is not there. Each ends in a coded error, at once and in little memory."""

from __future__ import annotations

import re
import struct
import tempfile
import unittest
import zlib
from pathlib import Path

import torch
from torch import nn

import archives
import runs


class Simple(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lin(x)


WORDS = ["-i", "x:f32[n=2,3]"]


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="onnxport-hostile-")
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = Path(scratch.name)
        cls.intact = cls.folder / "intact.pt"
        torch.manual_seed(0)
        torch.jit.script(Simple().eval()).save(cls.intact)
        cls.records = archives.records(cls.intact)
        cls.usual = runs.run(cls.intact, cls.folder / "intact.onnx", WORDS)
        assert cls.usual.status == 0, cls.usual.text

    def named(self, ending: str) -> str:
        return next(name for name in self.records if name.endswith(ending))

    def parts(self, ending: str, data: bytes) -> list[tuple[str, bytes]]:
        return [(n, data if n == self.named(ending) else d) for n, d in self.records.items()]

    def export(self, path: Path) -> runs.Run:
        output = self.folder / "out.onnx"
        output.unlink(missing_ok=True)
        found = runs.run(path, output, WORDS)
        self.assertIsNone(found.fault(self.usual.peak_kb), found.text[-400:])
        self.assertEqual(output.exists(), found.status == 0)
        return found

    def says(self, status: int, code: str, path: Path) -> str:
        found = self.export(path)
        self.assertEqual(found.status, status, found.text)
        self.assertRegex(found.text, rf"error {code}\b")
        return found.text

    def code(self, body: str, more: str = "") -> Path:
        """The model with `body` as that of forward, and `more` methods; S is the type of self."""
        source = self.named("Simple.py") if any(n.endswith("Simple.py") for n in self.records) else next(
            n for n in self.records if n.endswith(".py") and b"class Simple" in self.records[n])
        text = self.records[source].decode()
        own = re.search(r"def forward\(self: ([\w.]+)", text)
        assert own is not None
        start = re.search(r"  def forward", text)
        assert start is not None
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        made = f"{text[:start.start()]}  def forward(self: S,\n      x: Tensor) -> Tensor:\n{lines}{more}".replace("S,", own[1] + ",")
        parts = [(n, made.encode() if n == source else d) for n, d in self.records.items() if not n.endswith(".debug_pkl")]
        return archives.write(self.folder / "code.pt", parts)

    def methods(self, count: int, text: str, last: str) -> str:
        return "".join(f"  def m{i}(self: S,\n      x: Tensor) -> Tensor:\n    {last if i + 1 == count else text.format(next=i + 1)}\n"
                       for i in range(count))

    # ---- code ----
    def test_what_is_rebuilt_unharmed_is_exported(self) -> None:
        self.assertEqual(self.export(self.code("return torch.add(x, 1)")).status, 0)
        self.assertEqual(self.export(archives.write(self.folder / "again.pt", list(self.records.items()))).status, 0)
        packed = archives.write(self.folder / "packed.pt", list(self.records.items()), align=1, deflate=tuple(self.records))
        self.assertEqual(self.export(packed).status, 0)

    def test_deep_expressions(self) -> None:
        for body in ("a = " + "[" * 20000 + "1" + "]" * 20000, "a = " + "(" * 20000 + "1" + ")" * 20000, "a = " + "-" * 30000 + "1",
                     "a = " + "1 if True else " * 20000 + "1", "a = " + "1 + " * 40000 + "1", "a = " + "not " * 20000 + "True",
                     "a = x" + ".T" * 20000, "a = x" + "[0]" * 20000):
            with self.subTest(body=body[:24]):
                self.says(14, "T546", self.code(body + "\nreturn x"))

    def test_depths_that_the_stack_takes(self) -> None:
        for body in ("a = " + "[" * 2500 + "1" + "]" * 2500, "a = " + "-" * 4900 + "1", "a = " + "1 if True else " * 3900 + "1",
                     "a = " + "1 + " * 8000 + "1"):
            with self.subTest(body=body[:24]):
                self.export(self.code(body + "\nreturn x"))

    def test_long_lists(self) -> None:
        """libtorch folds a list of constants in a time that grows with the square of its length."""
        def lists(count: int, length: int) -> Path:
            return self.code("".join(f"a{i} = [{', '.join(['1'] * length)}]\n" for i in range(count)) + "return torch.add(x, torch.len(a0))")
        self.assertEqual(self.export(lists(2, 20000)).status, 0)
        for count, length in ((1, 200000), (20, 30000)):
            with self.subTest(count=count, length=length):
                self.says(14, "T546", lists(count, length))

    def test_deep_blocks(self) -> None:
        for head in ("if bool(torch.gt(x, 0)):", "for _ in range(2):"):
            body = "".join("  " * i + head + "\n" for i in range(3000)) + "  " * 3000 + "y = 1\nreturn x"
            self.says(14, "T546", self.code(body))

    def test_long_chains_of_calls(self) -> None:
        def chain(count: int) -> Path:
            return self.code("return (self).m0(x, )", self.methods(count, "return (self).m{next}(x, )", "return x"))
        self.assertEqual(self.export(chain(1900)).status, 0)
        self.says(14, "T541", chain(5000))

    def test_calls_that_double(self) -> None:
        for count in (24, 40):
            more = self.methods(count, "return torch.add((self).m{next}(x, ), (self).m{next}(x, ))", "return x")
            self.says(14, "T546", self.code("return (self).m0(x, )", more))

    def test_arithmetic_that_traps(self) -> None:
        for expression in ("7 % 0", "7 // 0", "-9223372036854775807 - 1", "(-9223372036854775807 - 1) // -1",
                           "(-9223372036854775807 - 1) % -1", "divmod(7, 0)[0]", "ops.aten.gcd(0, 0)"):
            with self.subTest(expression=expression):
                self.export(self.code(f"a = {expression}\nreturn torch.add(x, a)"))
                self.export(self.code(f"n = torch.size(x, 0)\nz = torch.sub(n, n)\nreturn torch.add(x, {expression.replace('0', 'z')})"))

    def test_lists_and_texts_without_end(self) -> None:
        for body in ("l = [1, 2]\n" + "l = torch.add(l, l)\n" * 60 + "return torch.add(x, torch.len(l))",
                     "a = torch.ljust('a', 100000000000)\nreturn torch.add(x, torch.len(a))",
                     "l = torch.mul([1], 100000000000)\nreturn torch.add(x, torch.len(l))"):
            with self.subTest(body=body[:40]):
                self.assertNotEqual(self.export(self.code(body)).status, 1)

    def test_numbers_that_no_memory_holds(self) -> None:
        """In a mapping, and in a kernel of libtorch that is asked for its parts."""
        for body in ("return torch.combinations(torch.select(x, 0, 0), 1152921504606846976)",
                     "return (torch.tensor_split(x, 4611686018427387904, 1))[0]", "return (torch.hsplit(x, 4611686018427387904))[0]",
                     "return torch.vander(torch.select(x, 0, 0), 4611686018427387904)"):
            with self.subTest(body=body[:32]):
                self.says(14, "T50[12]", self.code(body))

    def test_lists_of_an_absurd_length(self) -> None:
        """Where numbers or tensors of an operator are listed: 100,000 of them are taken or refused, and at once."""
        ones, many = ", ".join(["1"] * 100000), ", ".join(["x"] * 100000)
        for call in ("tile(x, [ones])", "repeat(x, [ones])", "reshape(x, [ones, -1])", "permute(x, [ones])", "sum(x, [ones])", "flip(x, [ones])",
                     "expand(x, [ones])", "zeros([ones])", "tensor([ones])", "roll(x, [ones], [ones])", "constant_pad_nd(x, [ones])",
                     "unflatten(x, 0, [ones])", "index_select(x, 0, torch.tensor([ones]))", "squeeze(x, [ones])", "cat([many])"):
            with self.subTest(call):
                made = call.replace("ones", ones).replace("many", many)
                self.export(self.code(f"return torch.{made}"))

    def test_loops_without_end(self) -> None:
        nested = "".join("  " * i + f"for i{i} in range(1000):\n" for i in range(3)) + "      x = torch.add(x, i2)\nreturn x"
        self.export(self.code(nested))

    # ---- archives ----
    def test_flipped_bits_of_weights(self) -> None:
        for name, data in self.records.items():
            if "/data/" not in name:
                continue
            for at in range(0, len(data), max(1, len(data) // 5)):
                wrong = data[:at] + bytes([data[at] ^ 4]) + data[at + 1:]
                parts = [(n, wrong if n == name else d) for n, d in self.records.items()]
                text = self.says(18, "I118", archives.write(self.folder / "bit.pt", parts, crc={name: zlib.crc32(data)}))
                self.assertIn(name.split("/", 1)[1], text)

    def test_flipped_bits_of_code(self) -> None:
        name = next(n for n in self.records if n.endswith(".py"))
        data = self.records[name]
        for deflate in ((), (name,)):
            parts = [(n, data + b"\n" if n == name else d) for n, d in self.records.items()]
            self.says(18, "I118", archives.write(self.folder / "code.pt", parts, crc={name: zlib.crc32(data)}, deflate=deflate))

    def test_records_of_one_name(self) -> None:
        for name in self.records:
            parts = [*self.records.items(), (name, b"\0" * len(self.records[name]))]
            self.says(18, "I102", archives.write(self.folder / "two.pt", parts))
        other = [*self.records.items(), (self.named("data.pkl").upper(), b"")]
        self.assertEqual(self.export(archives.write(self.folder / "elsewhere.pt", other)).status, 0, "libtorch looks in one folder")
        folder = self.named("data.pkl").split("/")[0]
        self.says(18, "I102", archives.write(self.folder / "case.pt", [*self.records.items(), (f"{folder}/DATA.PKL", b"")]))

    def test_short_and_empty_records(self) -> None:
        weight = next(n for n in self.records if "/data/" in n)
        data = self.records[weight]
        for short in (b"", data[:1], data[:len(data) // 2], data[:-1]):
            for align in (64, 1):
                for deflate in ((), (weight,)):
                    with self.subTest(size=len(short), align=align, deflate=deflate):
                        parts = [(n, short if n == weight else d) for n, d in self.records.items()]
                        self.says(18, "I102", archives.write(self.folder / "short.pt", parts, align=align, deflate=deflate))

    def test_bombs(self) -> None:
        code = next(n for n in self.records if n.endswith(".py"))
        for name, data in ((code, b"#" * (300 << 20)), (self.named("data.pkl"), b"N" * (300 << 20))):
            parts = [(n, data if n == name else d) for n, d in self.records.items()]
            self.says(18, "I102", archives.write(self.folder / "bomb.pt", parts, deflate=(name,)))

    def test_pickles_that_claim_too_much(self) -> None:
        pickle = self.records[self.named("data.pkl")]
        body = pickle[2:-1]
        for wrong in (b"X" + struct.pack("<I", 0xF0000000) + b"a", b"\x8d" + struct.pack("<Q", 1 << 40) + b"a",
                      b"Nr" + struct.pack("<I", 0xFFFFFFF0), b"N" + b"\x85" * 5000, b"]" * 5000 + b"a" * 4999, b"\xf3", b"h\x07"):
            with self.subTest(wrong=wrong[:12]):
                data = b"\x80\x02" + wrong + body + b"."
                self.says(18, "I102", archives.write(self.folder / "pickle.pt", self.parts("data.pkl", data)))

    def test_big_endian(self) -> None:
        self.says(18, "I119", archives.write(self.folder / "big.pt", self.parts("byteorder", b"big")))


if __name__ == "__main__":
    unittest.main(verbosity=1)
