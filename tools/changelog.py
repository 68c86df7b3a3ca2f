#!/usr/bin/env python3
"""changelog.py VERSION: moves the fragments of docs/changes into CHANGELOG.md."""
import datetime
import pathlib
import sys

KINDS = ["added", "changed", "fixed", "removed"]


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit("usage: changelog.py VERSION")
    root = pathlib.Path(__file__).resolve().parent.parent
    found: dict[str, list[str]] = {k: [] for k in KINDS}
    used = []
    for path in sorted((root / "docs/changes").glob("*.md")):
        if path.name == "README.md":
            continue
        kind = path.name.split(".")[-2]
        if kind not in found:
            sys.exit(f"{path}: kind '{kind}' is none of {', '.join(KINDS)}")
        found[kind].append(" ".join(path.read_text(encoding="utf-8").split()))
        used.append(path)
    if not used:
        sys.exit("docs/changes holds no fragments")
    text = f"## {sys.argv[1]} - {datetime.date.today().isoformat()}\n"
    for kind in KINDS:
        if found[kind]:
            text += f"\n### {kind.capitalize()}\n\n" + "".join(f"- {line}\n" for line in found[kind])
    log = root / "CHANGELOG.md"
    head, _, rest = log.read_text(encoding="utf-8").partition("\n\n")
    log.write_text(f"{head}\n\n{text}\n{rest}", encoding="utf-8")
    for path in used:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
