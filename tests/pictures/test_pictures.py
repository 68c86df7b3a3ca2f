#!/usr/bin/env python3
"""Pictures through the command: files, names, failures, and every way of showing.

Needs POLYGRAPHY_BIN. Outputs to compare are written as the files the command itself writes.
"""
import base64
import json
import os
import pathlib
import pty
import select
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree
import zlib

BIN = os.environ["POLYGRAPHY_BIN"]


def npy(dtype, shape, data):
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    raw = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data
    return {"values": {"array": base64.b64encode(raw).decode(), "polygraphy_class": "ndarray"},
            "polygraphy_class": "LazyArray"}


def results(path, runner, iterations):
    """iterations: list of {name: (dtype, shape, bytes)}."""
    its = [{"outputs": {n: npy(*v) for n, v in it.items()},
            "runtime": 0.1, "runner_name": runner, "polygraphy_class": "IterationResult"} for it in iterations]
    path.write_text(json.dumps({"lst": [[runner, its]], "polygraphy_class": "RunResults"}))


def floats(shape, f):
    n = 1
    for d in shape:
        n *= d
    return ("<f4", shape, struct.pack(f"<{n}f", *[f(i) for i in range(n)]))


def decode_png(data):
    """Width, height and the set of rows: fails on a broken file."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body = 8, b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        assert zlib.crc32(data[at + 4:at + 8 + n]) == struct.unpack(">I", data[at + 8 + n:at + 12 + n])[0]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", data[at + 8:at + 18])
        if kind == b"IDAT":
            body += data[at + 8:at + 8 + n]
        at += 12 + n
    raw = zlib.decompress(body)
    channels = {2: 3, 6: 4}[color]
    assert depth == 8 and len(raw) == height * (1 + width * channels)
    return width, height


class Pictures(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory(prefix="px_pictures_")
        self.dir = pathlib.Path(self.temp.name)
        one = {"a/b:c": floats((3, 20, 30), lambda i: i * 0.01), "one": floats((1,), lambda i: 2.0),
               "empty": floats((0, 3), lambda i: 0.0), "same": floats((4, 4), lambda i: i)}
        two = dict(one)
        two["a/b:c"] = floats((3, 20, 30), lambda i: float("nan") if i == 5 else i * 0.01 + (i % 17) * 1e-4)
        two["one"] = floats((1,), lambda i: 2.5)
        results(self.dir / "1.json", "r1", [one, one])
        results(self.dir / "2.json", "r2", [two, two])

    def tearDown(self):
        self.temp.cleanup()

    def env(self, **more):
        clean = {k: v for k, v in os.environ.items()
                 if k not in ("DISPLAY", "WAYLAND_DISPLAY", "NO_COLOR", "COLORTERM", "TERM_PROGRAM", "KITTY_WINDOW_ID",
                              "LC_TERMINAL", "FORCE_COLOR")}
        return {**clean, "TERM": "xterm-256color", **more}

    def run_it(self, *words, **env):
        return subprocess.run([BIN, "run", "--load-outputs", "1.json", "2.json", *words], cwd=self.dir,
                              env=self.env(**env), capture_output=True)

    def test_files(self):
        p = self.run_it("--save-heatmaps", "h/deep", "--save-error-metrics-plot", "e")
        self.assertEqual(p.returncode, 1)  # they differ
        names = sorted(os.listdir(self.dir / "h/deep"))
        self.assertIn("Absolute Error | a_b:c: (0,0:20,0:30) to (2,0:20,0:30).svg", names)
        self.assertIn("Relative Error | a_b:c (Log Scale): (0,0:20,0:30) to (2,0:20,0:30) (2).svg", names)
        self.assertIn("Absolute Error | one: (0,0:1,0:1) to (0,0:1,0:1).svg", names)
        self.assertEqual(len(names), 12)  # three outputs that have elements, two kinds, two iterations
        for name in names:
            root = xml.etree.ElementTree.parse(self.dir / "h/deep" / name).getroot()
            self.assertTrue(root.tag.endswith("svg"))
        names = sorted(os.listdir(self.dir / "e"))
        self.assertEqual([n for n in names if "(2)" not in n],
                         ["error_metrics_a_b:c.png", "error_metrics_one.png", "error_metrics_same.png"])
        for name in names:
            self.assertGreater(decode_png((self.dir / "e" / name).read_bytes())[0], 800)
        out = p.stdout.decode()
        self.assertIn("No heat map of output 'empty': it has no elements", out)
        self.assertIn("Saving error metrics plot to: 'e/error_metrics_one.png'", out)

    def test_format(self):
        self.run_it("--save-heatmaps", "h/", "--save-error-metrics-plot", "e", "--picture-format", "png")
        for name in os.listdir(self.dir / "h"):
            decode_png((self.dir / "h" / name).read_bytes())
        self.run_it("--save-error-metrics-plot", "s", "--picture-format", "svg")
        for name in os.listdir(self.dir / "s"):
            self.assertTrue(name.endswith(".svg"))
            xml.etree.ElementTree.parse(self.dir / "s" / name)
        self.assertEqual(self.run_it("--picture-format", "gif").returncode, 2)

    def test_needs_no_fonts(self):
        for where, env in (("with", {}), ("without", {"FONTCONFIG_FILE": "/dev/null", "HOME": "/nonexistent"})):
            p = self.run_it("--save-error-metrics-plot", where, **env)
            self.assertEqual(p.stderr, b"")
        name = "error_metrics_one.png"
        self.assertEqual((self.dir / "with" / name).read_bytes(), (self.dir / "without" / name).read_bytes())

    def test_folder_cannot_be_made(self):
        (self.dir / "file").write_text("")
        for option in ("--save-heatmaps", "--save-error-metrics-plot"):
            p = self.run_it(option, "file/x")
            self.assertEqual(p.returncode, 1)
            self.assertEqual(p.stderr.count(b"[!]"), 1)
            self.assertIn(option.encode(), p.stderr)
            self.assertIn(b"file", p.stderr)

    def test_text(self):
        p = self.run_it("--show-heatmaps", "--show-error-metrics-plot")
        out = p.stdout.decode()
        self.assertIn("Absolute error | a/b:c (3, 20, 30) | r1 vs. r2", out)
        self.assertIn("Errors by size of the reference | one (1,)", out)
        self.assertIn("1 NaN", out)
        self.assertNotIn("\x1b", out)

    def on_terminal(self, *words, answer=b"", **env):
        """Standard output and the controlling terminal are one pseudo-terminal."""
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.dir)
            os.execve(BIN, [BIN, "run", "--load-outputs", "1.json", "2.json", *words], self.env(**env))
        out, end = b"", time.time() + 60
        while time.time() < end:
            if not select.select([fd], [], [], 1)[0]:
                continue
            try:
                got = os.read(fd, 65536)
            except OSError:
                break
            if not got:
                break
            out += got
            if answer and b"\x1b[c" in out:
                os.write(fd, answer)
                answer = b""
        os.waitpid(pid, 0)
        os.close(fd)
        return out

    def test_terminals(self):
        kitty = self.on_terminal("--show-heatmaps", TERM="xterm-kitty")
        chunks = kitty.split(b"\x1b_Ga=T,f=100")[1:]
        self.assertEqual(len(chunks), 12)
        first = b"".join(c.split(b";", 1)[1].split(b"\x1b\\")[0] for c in (b"\x1b_G" + chunks[0]).split(b"\x1b_G")[1:])
        decode_png(base64.b64decode(first))
        iterm = self.on_terminal("--show-error-metrics-plot", TERM_PROGRAM="iTerm.app")
        decode_png(base64.b64decode(iterm.split(b"\x1b]1337;File=inline=1;size=")[1].split(b":")[1].split(b"\a")[0]))
        self.assertIn(b"\x1bP0;1q\"1;1;", self.on_terminal("--show-heatmaps", answer=b"\x1b[?62;4;22c"))
        blocks = self.on_terminal("--show-heatmaps", answer=b"\x1b[?62;22c", COLORTERM="truecolor")
        self.assertIn("\u2580".encode(), blocks)
        self.assertIn(b"\x1b[38;2;", blocks)
        silent = self.on_terminal("--show-heatmaps")  # does not answer at all
        self.assertIn(b"\x1b[38;5;", silent)
        self.assertNotIn("\u2580".encode(), self.on_terminal("--show-heatmaps", NO_COLOR="1"))

    def test_viewer(self):
        tools = self.dir / "bin"
        tools.mkdir()
        opener = tools / "xdg-open"
        opener.write_text(f"#!/bin/sh\necho \"$1\" > {self.dir}/opened.tmp; mv {self.dir}/opened.tmp {self.dir}/opened\n")
        opener.chmod(0o755)
        p = self.run_it("--show-heatmaps", DISPLAY=":7", TMPDIR=str(self.dir),
                        PATH=f"{tools}:{os.environ['PATH']}")
        for _ in range(100):
            if (self.dir / "opened").exists():
                break
            time.sleep(0.1)
        page = pathlib.Path((self.dir / "opened").read_text().strip())
        self.assertEqual(page.name, "index.html")
        self.assertEqual(page.read_text().count("<img"), 12)
        xml.etree.ElementTree.parse(page.parent / "12.svg")
        self.assertIn("Showing 12 pictures: ", p.stdout.decode())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
