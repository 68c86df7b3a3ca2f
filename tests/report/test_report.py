#!/usr/bin/env python3
"""`--report` in its five formats: read back by standard readers, checked against schemas, and equal to
the verdict of the run.

Environment: POLYGRAPHY_BIN; runs in a Python with numpy, the reference and jsonschema; uses xmllint.
"""

import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = HERE.parents[1] / "docs" / "report.schema.json"
SKIP = 77
ENDINGS = ["html", "json", "xml", "md", "csv"]
EVIL = 'y <script>alert("&\'1\')</script>, "x"|`z`'


def run(folder, *words):
    files = [w for e in ENDINGS for w in ("--report", f"report.{e}")]
    return subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", *words, *files], cwd=folder, text=True,
                          capture_output=True, timeout=300)


def save(folder, name, iterations):
    from polygraphy.comparator import IterationResult, RunResults

    results = RunResults()
    results.append((name, [IterationResult(outputs, runner_name=name) for outputs in iterations]))
    results.save(str(folder / f"{name}.json"))


PICTURE = re.compile(r'src="data:image/svg\+xml,([^"]*)"')


def check_pictures(page):
    """Heat maps are SVG in URLs; they are there where the page says so, and any XML reader takes them."""
    bad, urls = [], PICTURE.findall(page)
    if bool(urls) != ("Where the errors are" in page) or page.count("<img ") != len(urls):
        bad.append(f"HTML: {len(urls)} heat maps in {page.count('<img ')} pictures")
    for url in urls:
        if re.search("[\\s#<>&']", url.replace(" ", "")):
            bad.append("HTML: a picture's URL holds what it may not")
        root = xml.fromstring(urllib.parse.unquote(url))
        if root.tag != "{http://www.w3.org/2000/svg}svg" or not root.findall(".//{*}image"):
            bad.append(f"HTML: a picture is {root.tag}")
    return bad


def check_summary(stdout):
    """The last lines of a comparison fit a terminal of 80 columns."""
    found = re.search(r"^\[I\] Summary\n((?:  .*\n)+)", stdout, re.M)
    lines = found.group(1).splitlines() if found else []
    return [f"summary: {len(line)} columns: {line}" for line in lines if len(line) > 80]


def check(folder, done, expected_code, rows, failed_cases):
    """`rows`: lines of the CSV; `failed_cases`: of the JUnit file."""
    import jsonschema

    bad = []
    if done.returncode != expected_code:
        return [f"exit {done.returncode}, expected {expected_code}\n{done.stdout}{done.stderr}"]
    bad += check_summary(done.stdout)
    document = json.loads((folder / "report.json").read_text(), parse_constant=lambda c: bad.append(f"{c} in JSON"))
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    if document["passed"] != (expected_code == 0):
        bad.append("JSON: wrong verdict")
    with open(folder / "report.csv", newline="") as f:
        table = list(csv.DictReader(f))
    if len(table) != rows or any(None in row or None in row.values() for row in table):
        bad.append(f"CSV: {len(table)} rows, expected {rows}")
    in_json = [o for pair in document["comparisons"] for f in pair["functions"] for i in f["iterations"] for o in i["outputs"]]
    if sorted(o["name"] for o in in_json) != sorted(r["output"] for r in table):
        bad.append("CSV and JSON name other outputs")
    if [o["passed"] for o in in_json] != [r["verdict"] == "passed" for r in table]:
        bad.append("CSV and JSON disagree")
    subprocess.run(["xmllint", "--noout", "--schema", HERE / "junit.xsd", folder / "report.xml"], check=True,
                   capture_output=True)
    suites = xml.parse(folder / "report.xml").getroot()
    failures = suites.findall(".//failure")
    if len(failures) != failed_cases or int(suites.get("failures")) != failed_cases:
        bad.append(f"JUnit: {len(failures)} failures, expected {failed_cases}")
    if int(suites.get("tests")) != len(suites.findall(".//testcase")):
        bad.append("JUnit: wrong number of tests")
    text = (folder / "report.md").read_text()
    if ("passed" if expected_code == 0 else "FAILED") not in text.splitlines()[0]:
        bad.append(f"Markdown: {text.splitlines()[0]}")
    page = (folder / "report.html").read_text()
    bad += check_pictures(page)
    page = PICTURE.sub("", page)  # an SVG's namespace begins with http://
    if "<script>alert" in page or "http://" in page or "https://" in page:
        bad.append("HTML: an output's name is not escaped, or the page points to the network")
    if f"<h1>{'PASSED' if expected_code == 0 else 'FAILED'}: " not in page:
        bad.append("HTML: wrong verdict")
    return bad


def check_layers(folder):
    """Outputs that nodes compute, in their order; the first that differs, and the first NaN."""
    import jsonschema

    model = str(HERE.parent / "data/models/branches.onnx")
    done = run(folder, model, "--pluginref", "--onnx-outputs", "mark", "all", "--save-outputs", "marked.json")
    done = run(folder, model, "--pluginref", "--onnx-outputs", "mark", "all", "--seed", "2", "--load-outputs", "marked.json")
    document = json.loads((folder / "report.json").read_text())
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    pair = document["comparisons"][0]
    layers = pair.get("layers", [])
    failed = [layer["output"] for layer in layers if not layer["passed"]]
    bad = check_summary(done.stdout)
    if "\n        Referee: " not in done.stdout:
        bad.append("the referee is not in the summary")
    if done.returncode != 1 or len(layers) < 3 or not failed:
        bad.append(f"layers: exit {done.returncode}, {len(failed)} of {len(layers)} failed")
    elif pair["first_divergence"] != failed[0] or pair["first_nan"] is not None:
        bad.append(f"layers: first {pair['first_divergence']}, not {failed[0]}; NaN in {pair['first_nan']}")
    if [layer["position"] for layer in layers] != sorted(layer["position"] for layer in layers):
        bad.append("layers: not in the order of the graph")
    if "First layer" not in done.stdout or f"gives '{pair['first_divergence']}'" not in done.stdout:
        bad.append("layers: not in the summary\n" + done.stdout)
    page = (folder / "report.html").read_text()
    if 'id="first-divergence"' not in page or 'id="first-nan"' in page:
        bad.append("layers: marks of the curve")
    return bad


def main():
    try:
        import jsonschema  # noqa: F401
        import numpy as np
        import polygraphy.comparator  # noqa: F401

        subprocess.run(["xmllint", "--version"], capture_output=True, check=True)
    except (ImportError, OSError) as missing:
        print(f"SKIP: {missing}")
        return SKIP
    x = np.linspace(-1, 1, 600).reshape(2, 3, 10, 10).astype(np.float32)
    y = x.copy()
    y[0, 1, 2, 3] += 0.5
    nan = x.copy()
    nan[1, 2, 3, 4] = np.nan
    bad = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        save(folder, "a", [{"x": x, EVIL: x, "z": x}, {"x": x, EVIL: x, "z": x}])
        save(folder, "b", [{"x": x, EVIL: x, "z": x}, {"x": x, EVIL: y, "z": nan}])
        cases = [
            (["--load-outputs", "a.json", "a.json"], 0, 6, 0),
            (["--load-outputs", "a.json", "b.json"], 1, 6, 2),
            (["--load-outputs", "a.json", "b.json", "a.json", "--validate"], 1, 12, 5),
            (["--load-outputs", "a.json", "b.json", "--compare", "l2", "cosine_similarity", "simple"], 1, 18, 5),
            (["--load-outputs", "a.json", "b.json", "--compare", "indices"], 1, 6, 2),
            ([str(HERE.parent / "data/models/two.onnx"), "--pluginref", "--pluginref", "--iterations", "3",
              "--suggest-tolerances"], 0, 3, 0),
            ([str(HERE.parent / "data/models/two.onnx"), "--pluginref"], 0, 0, 0),
        ]
        for words, code, rows, failed in cases:
            for ending in ENDINGS:
                (folder / f"report.{ending}").unlink(missing_ok=True)
            done = run(folder, *words)
            bad += [f"{' '.join(words)}: {b}" for b in check(folder, done, code, rows, failed)]
        bad += check_layers(folder)
        for path, words in (("report.pdf", ".html"), ("/proc/no/report.html", "/proc/no")):
            done = subprocess.run([os.environ["POLYGRAPHY_BIN"], "run", "--load-outputs", "a.json", "a.json",
                                   "--report", path], cwd=folder, text=True, capture_output=True)
            if done.returncode != 1 or words not in done.stderr:
                bad.append(f"--report {path}: exit {done.returncode}: {done.stderr}")
    for item in bad:
        print(item, file=sys.stderr)
    print(f"{len(cases)} runs, {len(bad)} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
