#!/usr/bin/env python3
"""The line of progress on a pseudo terminal: it is there for work that takes long, erased before every
message, and never in a pipe, a log file, with -q, with --silent or on a dumb terminal.

Environment: POLYGRAPHY_BIN, FAKE_TRT (the folder of TensorRT's stand-in). Usage: test_progress.py
"""
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile

MODELS = pathlib.Path(__file__).resolve().parent.parent / "data/models"
LINE = rb"\r(?:\x1b\[2m)?([^\r\x1b]*?(?:/s|left))(?:\x1b\[0m)?\x1b\[K"
ERASE = b"\r\x1b[K"
failures = []


def run(words, folder, stdout_too=False, **env):
    """What standard error's terminal got, and standard output."""
    us, terminal = pty.openpty()
    full = {**os.environ, "TERM": "xterm-256color", **env}
    for name in ("NO_COLOR", "FORCE_COLOR"):
        if name not in env:
            full.pop(name, None)
    p = subprocess.Popen([os.environ["POLYGRAPHY_BIN"], "run", *words.split()], cwd=folder, env=full,
                         stdin=subprocess.DEVNULL, stdout=terminal if stdout_too else subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    drawn, out = b"", b""
    sources = [us] + ([] if stdout_too else [p.stdout.fileno()])
    while sources:
        for fd in select.select(sources, [], [], 60)[0]:
            try:
                data = os.read(fd, 1 << 16)
            except OSError:  # the terminal's other end is closed
                data = b""
            if not data:
                sources.remove(fd)
            elif fd == us:
                drawn += data
            else:
                out += data
    p.wait()
    os.close(us)
    if p.stdout:
        p.stdout.close()
    return p.returncode, drawn, out


def check(condition, what, *shown):
    if not condition:
        failures.append(what + "".join("\n" + repr(s[-1500:]) for s in shown))


def shown_text(stream):
    """The terminal's lines when all is over: what was erased is gone."""
    lines = []
    for line in stream.replace(b"\r\n", b"\n").split(b"\n"):
        cells = b""
        for part in line.split(b"\r"):
            cells = b"" if b"\x1b[K" in part and not part.replace(b"\x1b[K", b"") else part or cells
        lines.append(cells)
    return b"\n".join(lines)


def main():
    with tempfile.TemporaryDirectory(prefix="px_progress_") as folder:
        # Enough iterations for more than half a second of comparing on whatever machine this is.
        for n in (4000, 8000, 16000, 64000):
            words = f"{MODELS}/dyn.onnx --pluginref --pluginref --iterations {n}"
            code, drawn, out = run(words + " --log-file log.txt", folder)
            found = re.findall(LINE, drawn)
            if any(f.startswith(b"Comparing") for f in found):
                break
        check(code == 0, f"exit code {code}", out)
        check(any(re.match(rb"Comparing \|#*\.*\| +\d+%%  \d+/%d, [\d.]+/s, \d+ s left" % n, f) for f in found),
              "no progress of comparing", drawn)
        check(drawn.endswith(ERASE), "the last line is left", drawn)
        check(b"left" not in out and b"\x1b[K" not in out, "progress in a pipe", out)
        log = pathlib.Path(folder, "log.txt").read_bytes()
        check(b"left" not in log and b"\x1b[K" not in log, "progress in the log file", log)

        code, both, _ = run(words, folder, stdout_too=True)
        text = shown_text(both)
        check(re.search(LINE, both), "no progress among messages", both)
        check(b"left" not in text and b"PASSED | Runtime" in text, "progress is left between messages", text)

        for quiet in ("-q", "--silent"):
            check(run(f"{words} {quiet}", folder)[1] == b"", f"progress with {quiet}")
        code, drawn, out = run(words, folder, TERM="dumb")
        check(drawn == b"", "progress on a dumb terminal", drawn)
        check(b"\x1b[2m" in both, "no colour")
        for plain in ({"NO_COLOR": "1"}, {}):
            text = run(words + ("" if plain else " --color never"), folder, stdout_too=True, **plain)[1]
            check(re.search(LINE, text) and b"\x1b[2m" not in text, "colour, or no progress")
        # A file that takes long enough on whatever machine this is.
        for mib in (8, 32, 128):
            with open(f"{folder}/large.json", "wb") as f:
                f.write(b'["' + b"\\n" * (mib << 19) + b'"]')
            code, drawn, out = run("--load-outputs large.json", folder)
            found = re.search(LINE, drawn)
            if found:
                break
        os.unlink(f"{folder}/large.json")
        check(found and re.match(rb"Loading \|#*\.*\| +\d+%  [\d.]+ MiB of [\d.]+ MiB, [\d.]+ MiB/s", found[1]),
              "no progress of loading", drawn)
        check(code == 1 and b"left" not in shown_text(drawn), f"exit code {code}, or the line is left", drawn)
        piped = subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", *words.split()], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        check(piped.stderr == b"", "progress in a pipe of errors", piped.stderr)

        fake = os.environ.get("FAKE_TRT")
        if fake:
            for major, version in (("10", "100600"), ("11", "110100")):
                code, drawn, out = run(
                    f"{MODELS}/identity.onnx --trt --input-shapes x:[3,4]", folder, FAKE_TRT_VERSION=version,
                    POLYGRAPHY_TRT_LIB=f"{fake}/{major}", LD_LIBRARY_PATH=f"{fake}/cuda", FAKE_TRT_LOG="calls")
                check(code == 0, f"exit code {code}", out)
                check(re.search(rb"Tactics \|#*\.*\| +100%  3/3, 2\.\d/s, 0 s left", drawn), "no progress of a build", drawn)
                calls = pathlib.Path(folder, "calls").read_text()
                check("ends the build" not in calls and "objects alive: 0" in calls, "the build was ended", calls)
        else:
            print("Left out the build: FAKE_TRT is not set")
    for failure in failures:
        print("FAILED:", failure)
    print(f"{len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
