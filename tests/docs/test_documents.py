#!/usr/bin/env python3
"""README.md, CONTRIBUTING.md and docs/*.md: links lead to files, files and options that are named exist, and
command lines are ones that the command takes. Environment: POLYGRAPHY_BIN (command lines are left out without it).
"""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`((?:src|docs|tests|tools|include|examples|python|bench|cmake)/[\w./-]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
COMMAND = re.compile(r"`(polygraphy(?: [^`]*)?)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
OF_OTHERS = {"--version", "--cflags", "--libs", "--logdir"}  # not of `polygraphy run`
USAGE = 2


def documents():
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def options():
    rows = json.loads((ROOT / "docs/options.json").read_text(encoding="utf-8"))
    return {name for row in rows for name in row["names"]} | OF_OTHERS


def broken(path, text, known):
    for link in LINK.findall(text):
        if "://" not in link and not (path.parent / link).exists():
            yield f"link to {link}"
    for name in NAMED.findall(text):
        if not (ROOT / name).exists():
            yield f"names {name}"
    for option in sorted(set(OPTION.findall(text)) - known):
        yield f"names {option}"


def commands(text):
    """Command lines of blocks (fenced or indented, `\\` goes on) and in the middle of sentences."""
    prose, blocks = [], []
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        else:
            (blocks if fenced or line.startswith("    ") else prose).append(line.strip())
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        found = re.match(r"(?:\$ )?(?:\w+=\S+ )*(polygraphy .*)", line)
        if found:
            yield found.group(1)
    yield from COMMAND.findall(" ".join(prose))


def is_example(words):
    """Not `polygraphy run` alone, nor one with a part left out or named by a capital word."""
    return words[:2] == ["polygraphy", "run"] and len(words) > 2 and not any(
        w in ("...", "…") or re.fullmatch(r"[A-Z][A-Z_]+", w) for w in words)


def refused(binary, folder, line):
    """What the command says against the words; that the model is not there comes later."""
    words = shlex.split(line, comments=True)
    if not is_example(words):
        return None
    for at, word in enumerate(words):
        if word in ("&&", "||", "|", ";", "&", "2>&1") or word.startswith(">"):
            words = words[:at]
            break
    done = subprocess.run([binary, *words[1:]], cwd=folder, capture_output=True, text=True, timeout=60)
    return f"{line}\n    {done.stderr.strip()}" if done.returncode == USAGE else ""


def main():
    binary = os.environ.get("POLYGRAPHY_BIN")
    problems, n_commands, known = [], 0, options()
    with tempfile.TemporaryDirectory() as folder:
        for path in documents():
            text = path.read_text(encoding="utf-8")
            problems += [f"{path.name}: {what}" for what in broken(path, text, known)]
            for line in commands(text) if binary else ():
                found = refused(binary, folder, line)
                n_commands += found is not None
                problems += [f"{path.name}: {found}"] if found else []
    print("\n".join([*problems, f"{len(documents())} documents, {n_commands} command lines, {len(problems)} problems"]))
    return bool(problems) or (binary is not None and n_commands < 20)


sys.exit(main())
