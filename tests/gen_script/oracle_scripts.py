#!/usr/bin/env python3
"""Writes what the reference's --gen-script prints: oracle_scripts.py CASES.json VERSION OUT_FOLDER

Runs in the reference's Python, in the folder the cases are meant for. The package is imported once;
every case runs in a fork of its own, because the reference's logger keeps its settings.
"""

import json
import os
import sys
import warnings


def run(argv, path):
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 1
    with open(path, "w") as out:
        os.dup2(out.fileno(), 1)
        sys.argv = argv
        try:
            from polygraphy.tools import main

            code = main()
        except SystemExit as stop:
            code = stop.code
        sys.stdout.flush()
    os._exit(code or 0)


def main():
    cases, version, folder = sys.argv[1:]
    warnings.filterwarnings("ignore")
    import polygraphy.tools  # noqa: F401

    for case in json.load(open(cases)):
        if version in case["versions"]:
            code = run(case["argv"], os.path.join(folder, f"{case['id']}.{version}"))
            if code:
                sys.exit(f"{case['id']}: the reference ended with {code}")


if __name__ == "__main__":
    main()
