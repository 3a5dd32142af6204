"""Manifests and profiles that are good, each damaged in one place, for both sides to read: nothing in the JSON schema is stricter
than the reader, and what the reader alone refuses is told by a code of the kinds that a schema cannot see."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

# What takes the place of a value, and what is added to it.
OTHERS: tuple[Any, ...] = (None, True, 0, 7, -1, 1.5, "", "text", "a.b", "acme::f", ">=17", "ai.onnx", [], ["text"], [1], {}, {"key": "text"})


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    if isinstance(value, list):
        for i in range(len(value)):
            yield from places(value[i], (*path, i))


def changed(document: Any, path: tuple[Any, ...], change: Any) -> Any:
    out = copy.deepcopy(document)
    holder = out
    for step in path[:-1]:
        holder = holder[step]
    change(holder, path[-1])
    return out


def put(value: Any) -> Any:
    def change(holder: Any, key: Any) -> None:
        holder[key] = value
    return change


def remove(holder: Any, key: Any) -> None:
    del holder[key]


def rename(holder: Any, key: Any) -> None:
    if isinstance(holder, dict):
        holder[f"{key}y"] = holder.pop(key)


def extend(holder: Any, key: Any) -> None:
    if isinstance(holder[key], dict):
        holder[key]["unknown"] = 1
    elif isinstance(holder[key], list) and holder[key]:
        holder[key].append(holder[key][0])
    elif isinstance(holder[key], str):
        holder[key] += " x"


def mutants(document: Any, whole: tuple[str, ...] = ()) -> Iterator[Any]:
    """Each once, as JSON has it; what differs in quotes alone is the table's to try, not ours. What stands below the keys `whole`
    stays as it is."""
    seen = {json.dumps(document)}
    for path in places(document):
        if path[0] in whole:
            continue
        for change in (remove, rename, extend, *map(put, OTHERS)):
            made = changed(document, path, change)
            text = json.dumps(made)
            if text not in seen:
                seen.add(text)
                yield made


def without_text(document: Any, original: Any) -> bool:
    """Whether a number or a bool stands, plain, where the original has something else: to the reader it is the text that it looks like, an
    editor says that it is none."""
    if isinstance(document, dict) and isinstance(original, dict):
        return any(without_text(document[key], original[key]) for key in document.keys() & original.keys())
    if isinstance(document, list) and isinstance(original, list):
        return any(without_text(a, b) for a, b in zip(document, original, strict=False))
    return isinstance(document, bool | int | float) and type(document) is not type(original)


def disagreements(written: list[tuple[Any, Any, str, str, list[str]]], seen_by_reader_alone: tuple[tuple[str, str], ...]) -> list[str]:
    """Of (document, what it was made of, the reader's code or "", its words, what the schema says)."""
    out = []
    for document, original, code, reason, errors in written:
        shown = json.dumps(document)[:600]
        if not code and errors and not without_text(document, original):
            out.append(f"the schema alone refuses it: {errors[:2]}\n{shown}")
        alone = any(code == c and words in reason for c, words in seen_by_reader_alone)
        if code and not errors and not alone:
            out.append(f"the reader alone refuses it: {code} {reason}\n{shown}")
    return out
