"""The code of a TorchScript file, changed: a word, a line, an argument list, a type, so that much of it still is code.

Each change takes the text and a source of chance, and gives another text. What libtorch refuses ends soon; what it takes, and what
it takes and should not have, is what this is for."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Callable

SCHEMAS = Path(__file__).resolve().parents[2] / "core/ir/aten_schemas.txt"
OPERATORS = sorted({m for m in re.findall(r"aten::([a-z]\w*)(?:\.\w+)?\(", SCHEMAS.read_text()) if not m.endswith("_")})
NUMBERS = ("0", "-1", "1", "2", "3", "7", "64", "1000", "100000", "2147483647", "-2147483648", "9223372036854775807", "-9223372036854775807",
           "0.", "-0.", "1e308", "1e-320", "inf", "None", "True", "False", '"text"', "[]", "[0]", "[-1]", "[1, 2]")
TYPES = ("Tensor", "int", "float", "bool", "str", "Optional[Tensor]", "Optional[int]", "List[int]", "List[Tensor]", "Tuple[Tensor, Tensor]",
         "Dict[str, Tensor]", "Device", "number")
LONG = (1000, 20000, 100000)

Change = Callable[[str, random.Random], str]


def chosen(pattern: str, text: str, random_: random.Random) -> re.Match[str] | None:
    found = list(re.finditer(pattern, text, re.M))
    return random_.choice(found) if found else None


def put(text: str, at: re.Match[str] | None, new: str) -> str:
    return text if at is None else text[:at.start()] + new + text[at.end():]


def number(text: str, random_: random.Random) -> str:
    return put(text, chosen(r"(?<![\w.\"])-?\d+(\.\d*)?(?![\w.\"])", text, random_), random_.choice(NUMBERS))


def operator(text: str, random_: random.Random) -> str:
    """Another function with the same arguments."""
    return put(text, chosen(r"(?<=torch\.)[a-z_]\w*(?=\()|(?<=ops\.aten\.)\w+(?=\()", text, random_), random_.choice(OPERATORS))


def name(text: str, random_: random.Random) -> str:
    """A name where another stood."""
    names = sorted(set(re.findall(r"^\s+(\w+) = ", text, re.M)) | {"x", "self"})
    return put(text, chosen(r"(?<=[(, ])[a-z_]\w*(?=[,)])", text, random_), random_.choice(names))


def kind(text: str, random_: random.Random) -> str:
    return put(text, chosen(r"(?<=: )(Tensor|int|float|bool|str|List\[\w+\]|Optional\[\w+\]|Tuple\[[\w, ]+\])", text, random_), random_.choice(TYPES))


def statements(text: str) -> list[re.Match[str]]:
    return list(re.finditer(r"^    +(?!def )\S.*\n", text, re.M))


def line(text: str, random_: random.Random) -> str:
    """A line that is left out, doubled, or takes the place of another."""
    found = statements(text)
    if not found:
        return text
    one, other = random_.choice(found), random_.choice(found)
    return put(text, one, random_.choice(("", one[0] * 2, one[0] * 50, other[0], other[0] + one[0])))


def block(text: str, random_: random.Random) -> str:
    """A line in a branch or a loop, some of them deep."""
    found = statements(text)
    if not found:
        return text
    at = random_.choice(found)
    room = re.match(r" *", at[0])[0]  # type: ignore[index]
    head = random_.choice(("if True:", "if bool(torch.gt(x, 0)):", "for _0 in range(3):", "for _0 in range(1000000000):", "while True:",
                           "_0 = True\n{room}while _0:")).replace("{room}", room)
    depth = random_.choice((1, 1, 2, 40))
    lines = "".join(room + "  " * i + head.replace("\n", "\n" + "  " * i) + "\n" for i in range(depth))
    return put(text, at, lines + "  " * depth + at[0])


def long_list(text: str, random_: random.Random) -> str:
    """A list of an absurd length where a list or a number stood."""
    count = random_.choice(LONG)
    items = random_.choice((", ".join([random_.choice(("1", "0", "-1", "2"))] * count), ", ".join(map(str, range(count)))))
    return put(text, chosen(r"\[[-\d, ]*\]", text, random_) or chosen(r"(?<![\w.\"])\d+(?![\w.\"])", text, random_), f"[{items}]")


def call(text: str, random_: random.Random) -> str:
    """A statement more: an operator on what is there, with arguments that nobody gives."""
    found = [m for m in statements(text) if " = " in m[0]]
    if not found:
        return text
    at = random_.choice(found)
    target = at[0].split("=")[0].strip().split(",")[0].split(":")[0]
    room = re.match(r" *", at[0])[0]  # type: ignore[index]
    ones = ", ".join(["1"] * random_.choice((*LONG, 3, 70)))
    made = random_.choice((
        f"torch.tile({target}, [{ones}])", f"torch.repeat({target}, [{ones}])", f"torch.reshape({target}, [{ones}, -1])",
        f"torch.expand({target}, [{ones}])", f"torch.permute({target}, [{ones}])", f"torch.flip({target}, [{ones}])",
        f"torch.sum({target}, [{ones}])", f"torch.roll({target}, [{ones}], [{ones}])", f"torch.split_with_sizes({target}, [{ones}])[0]",
        f"torch.cat([{', '.join([target] * random_.choice(LONG))}])", f"torch.stack([{', '.join([target] * 1000)}])",
        f"torch.einsum(\"{'a' * random_.choice((3, 60000))}\", [{target}])", f"torch.index_select({target}, 0, torch.tensor([{ones}]))",
        f"torch.{random_.choice(OPERATORS)}({target})", f"torch.{random_.choice(OPERATORS)}({target}, {random_.choice(NUMBERS)})",
        f"torch.{random_.choice(OPERATORS)}({target}, {random_.choice(NUMBERS)}, {random_.choice(NUMBERS)})",
        f"torch.zeros([{random_.choice(NUMBERS)}, {random_.choice(NUMBERS)}])", f"torch.tensor([{ones}])",
        f"torch.unflatten({target}, 0, [{ones}])", f"torch.constant_pad_nd({target}, [{ones}])"))
    double = f"{room}{target} = torch.cat([{target}, {target}])\n" * random_.choice((4, 40)) if random_.random() < 0.1 else ""
    return put(text, at, at[0] + f"{room}{target} = {made}\n" + double)


def piece(text: str, random_: random.Random) -> str:
    at = random_.randrange(len(text) + 1)
    end = at + random_.choice((1, 4, 16, 64))
    return text[:at] + random_.choice(("", text[at:end] * 2, "(", ")", "\n", ",", "\0", "é", "0" * 400)) + text[end:]


CHANGES: tuple[Change, ...] = (number, number, operator, operator, name, kind, line, block, long_list, call, call, call, piece)


def changed(text: str, random_: random.Random) -> str:
    for _ in range(random_.choice((1, 1, 2, 3))):
        text = random_.choice(CHANGES)(text, random_)
    return text
