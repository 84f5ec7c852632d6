#!/usr/bin/env python3
"""Reads our sources and says where they break the table of table.py. Exit code 1 when they do.

    tests/tidy/check.py [ROOT]
"""

import pathlib
import re
import sys

import table

SOURCE_FOLDERS = ("agent", "reconcilers", "tests/simulation")
TEXT_FOLDERS = ("agent", "reconcilers", "tests", "scripts", "schemas", "docs", "examples-repo",
                "cmake", "deploy", ".ci")
CODE_SUFFIXES = (".cc", ".h", ".py", ".sh")
TEXT_SUFFIXES = (*CODE_SUFFIXES, ".md", ".txt", ".cmake", ".yaml", ".yml", ".json", "")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
# A comment, a string (raw ones first) or a character: what is not code.
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL)
EXCEPTION = re.compile(r"\b(throw|catch)\b")
CLOCK = re.compile(r"_clock::now\b|\bgettimeofday\b|\bclock_gettime\b|\bstd::time\(")
# A mark says what is missing and why, in a few words at least.
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b(?!: (?:\S+ ){3})")
# Paths of one machine: of a user's home, or of the place where this was written.
MACHINE_PATH = re.compile(r"(?<![\w/.$}-])/(?:work|root|Users|home/\w+)/")


def room_of(path):
    """The innermost folder of ROOMS that holds the file, or None."""
    folder = pathlib.PurePosixPath(path).parent
    while str(folder) != ".":
        if str(folder) in table.ROOMS:
            return str(folder)
        folder = folder.parent
    return None


def is_standard(name):
    return "/" not in name and "." not in name


def library_of(name):
    for library, beginnings in table.LIBRARIES.items():
        if name.startswith(beginnings):
            return library
    return None


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def own_include_problem(room, name, root):
    if not (root / name).is_file():
        return f'"{name}" is not a file: include from the repository\'s root'
    target = room_of(name) or str(pathlib.PurePosixPath(name).parent)
    if target == room:
        return None
    if target not in table.ROOMS[room]["ours"]:
        return f"{room} may not include {target}"
    only = table.ONLY_FILES.get((room, target))
    if only and name not in only:
        return f"{room} may include only {', '.join(only)} of {target}"
    return None


def foreign_include_problem(room, name, is_header):
    rules = table.ROOMS[room]
    if is_standard(name):
        if rules["pure"] and name in table.IMPURE_STANDARD:
            return f"{room} decides and does nothing: it has no use for <{name}>"
        return None
    library = library_of(name)
    if library is None:
        return f"{room} may not talk to the operating system: <{name}>" if rules["pure"] else None
    if library not in (*rules["libraries"], *rules["source_only"]):
        return f"{room} may not use {library}"
    if is_header and (library in table.HEAVY_LIBRARIES or library in rules["source_only"]):
        # json_fwd.hpp names types only.
        if not name.endswith("_fwd.hpp"):
            return f"{library} is included in source files only"
    return None


def check_includes(path, text, root):
    room = room_of(path)
    if room is None:
        yield 1, "this folder is not in the table of tests/tidy/table.py"
        return
    for match in INCLUDE.finditer(text):
        quote, name = match.groups()
        if quote == '"':
            problem = own_include_problem(room, name, root)
        else:
            problem = foreign_include_problem(room, name, path.endswith(".h"))
        if problem:
            yield line_of(text, match.start()), problem


def without_comments_and_strings(text):
    """The same lines, with spaces in place of what is not code."""
    return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def check_exceptions(path, code):
    if path in table.MAY_CATCH or path.startswith("tests/"):
        return
    for match in EXCEPTION.finditer(code):
        yield line_of(code, match.start()), (
            f"'{match.group()}' stands only in the adapters of MAY_CATCH (tests/tidy/table.py)")


def check_purity(path, code):
    room = room_of(path)
    if room is None or not table.ROOMS[room]["pure"]:
        return
    for match in CLOCK.finditer(code):
        yield line_of(code, match.start()), f"{room} reads no clock: take the time as a value"


def check_sizes(text):
    lines = text.split("\n")
    count = len(lines) - (1 if lines[-1] == "" else 0)
    if count > table.FILE_LINES_MAX:
        yield count, f"{count} lines; at most {table.FILE_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if len(line) > table.LINE_COLUMNS_MAX:
            yield number, f"{len(line)} columns; at most {table.LINE_COLUMNS_MAX}"


def check_words(text):
    for match in UNFINISHED.finditer(text):
        yield line_of(text, match.start()), f"{match.group(1)} without what is missing and why"
    for match in MACHINE_PATH.finditer(text):
        yield line_of(text, match.start()), f"a path of one machine: {match.group()}"


def is_code(path, text):
    return path.endswith(CODE_SUFFIXES) or text.startswith("#!")


def check_file(path, text, root):
    """Every problem of one file: (line, sentence)."""
    cpp = path.endswith((".cc", ".h"))
    if cpp and path.startswith(SOURCE_FOLDERS):
        code = without_comments_and_strings(text)
        yield from check_includes(path, text, root)
        yield from check_exceptions(path, code)
        yield from check_purity(path, code)
    if is_code(path, text):
        yield from check_sizes(text)
    yield from check_words(text)


def files_of(root):
    for folder in TEXT_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if "__pycache__" in name or name.startswith("tests/tidy/"):
                continue  # the checker speaks of what it forbids
            if path.suffix in TEXT_SUFFIXES and path.is_file():
                yield name, path
    for path in sorted(root.iterdir()):
        if path.is_file() and path.suffix in TEXT_SUFFIXES and not path.name.startswith(".git"):
            yield path.name, path


def check_tree(root):
    """(files read, problems as 'path:line: sentence')."""
    problems, count = [], 0
    for name, path in files_of(root):
        text = path.read_text(encoding="utf-8", errors="replace")
        count += 1
        for line, sentence in check_file(name, text, root):
            problems.append(f"{name}:{line}: {sentence}")
    for name in table.MAY_CATCH:
        path = root / name
        if not path.is_file() or not EXCEPTION.search(
                without_comments_and_strings(path.read_text(encoding="utf-8"))):
            problems.append(f"{name}:1: is in MAY_CATCH (tests/tidy/table.py) and catches nothing")
    return count, problems


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    if len(sys.argv) <= 1:
        root = root.parents[2]
    count, problems = check_tree(root)
    for problem in problems:
        print(problem)
    print(f"{count} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
