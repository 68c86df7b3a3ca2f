#!/usr/bin/env python3
"""check_abi.py INCLUDE_DIR LIBRARY: the public interface keeps its promises.

Each header compiles alone as C11 and as C++17 without a warning, and the shared library exports
exactly the functions that the headers declare.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def main() -> int:
    include, library = pathlib.Path(sys.argv[1]), sys.argv[2]
    bad = []
    declared = set()
    with tempfile.TemporaryDirectory() as tmp:
        for header in sorted((include / "polygraphy").glob("*.h")):
            text = header.read_text(encoding="utf-8")
            for statement in re.findall(r"PGY_API\b[^;{]*?\b(pgy_\w+)\(", text):
                declared.add(statement)
            for compiler, std, suffix in (("cc", "c11", "c"), ("c++", "c++17", "cc")):
                if not shutil.which(compiler):
                    print(f"no {compiler}: {header.name} is not tried as {std}")
                    continue
                source = pathlib.Path(tmp) / f"alone.{suffix}"
                source.write_text(f'#include "polygraphy/{header.name}"\nint main(void) {{ return 0; }}\n')
                p = subprocess.run([compiler, f"-std={std}", "-Wall", "-Wextra", "-Werror", "-pedantic",
                                    "-fsyntax-only", f"-I{include}", str(source)], capture_output=True, text=True)
                if p.returncode:
                    bad.append(f"{header.name} alone as {std}:\n{p.stderr}")
    nm = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    exported = {line.split()[-1] for line in nm.stdout.splitlines() if " T " in line}
    exported = {n for n in exported if not n.startswith(("_init", "_fini", "__", "asan", "ubsan"))}
    for name in sorted(declared - exported):
        bad.append(f"{name} is declared in a public header but the library does not export it")
    for name in sorted(exported - declared):
        bad.append(f"{name} is exported but no public header declares it")
    print("\n".join(bad) if bad else f"{len(declared)} functions, every header stands alone")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
