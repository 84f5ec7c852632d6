#!/usr/bin/env python3
"""Composes the self-contained schemas of this folder from parts/.

    compose.py           writes schemas/<name>.json for every root in parts/
    compose.py --check   fails when one of them is not up to date

A root names shared definitions by "#/definitions/<Name>"; the composed file carries the ones it
reaches.
"""
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
PARTS = FOLDER / "parts"


def references_in(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rsplit("/", 1)[-1]
        for value in node.values():
            yield from references_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from references_in(value)


def reachable(root, definitions):
    found, open_names = {}, list(references_in(root))
    while open_names:
        name = open_names.pop()
        if name not in found:
            found[name] = definitions[name]
            open_names += references_in(definitions[name])
    return dict(sorted(found.items()))


def compose(path, definitions):
    root = json.loads(path.read_text())
    root["definitions"] = reachable(root, definitions)
    return json.dumps(root, indent=2, ensure_ascii=False) + "\n"


def main():
    definitions = json.loads((PARTS / "definitions.json").read_text())
    stale = []
    for path in sorted(PARTS.glob("*.json")):
        if path.name == "definitions.json":
            continue
        text, target = compose(path, definitions), FOLDER / path.name
        if "--check" not in sys.argv:
            target.write_text(text)
        elif not target.exists() or target.read_text() != text:
            stale.append(path.name)
    if stale:
        sys.exit("not up to date, run schemas/compose.py: " + ", ".join(stale))


main()
