"""Builds the wheel: the package's files and libpolygraphy in a zip archive, with nothing but Python.

`make wheel` calls pip, which calls this. The library is the one that POLYGRAPHY_LIBRARY names, else that of
the release build.
"""

import base64
import hashlib
import os
import pathlib
import re
import sysconfig
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = "polygraphy_c"
SONAME = "libpolygraphy.so.0"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files give the same archive


def _project():
    text = (HERE / "pyproject.toml").read_text(encoding="utf-8")
    return {
        name: re.search(rf'^{name} = "([^"]*)"', text, re.M)[1]
        for name in ("name", "version", "description", "requires-python", "polygraphy-c")
    }


def _library():
    told = os.environ.get("POLYGRAPHY_LIBRARY")
    path = pathlib.Path(told) if told else HERE.parent / "build/release" / SONAME
    if not path.is_file():
        raise SystemExit(
            f"There is no library {path}. Build it (make wheel does), or set POLYGRAPHY_LIBRARY to the file {SONAME}."
        )
    return path


def _info(project):
    tag = "py3-none-" + re.sub(r"[-.]", "_", sysconfig.get_platform())
    metadata = (
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        f"Summary: {project['description']}\nLicense: Apache-2.0\nRequires-Python: {project['requires-python']}\n"
        "Provides-Extra: arrays\nRequires-Dist: numpy; extra == 'arrays'\nRequires-Dist: ml_dtypes; extra == 'arrays'\n"
    )
    wheel = f"Wheel-Version: 1.0\nGenerator: wheel_backend\nRoot-Is-Purelib: false\nTag: {tag}\n"
    scripts = f"[console_scripts]\npolygraphy-c = {project['polygraphy-c']}\n"
    return tag, {"METADATA": metadata, "WHEEL": wheel, "entry_points.txt": scripts}


def _digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    project = _project()
    tag, info = _info(project)
    stem = f"{project['name']}-{project['version']}"
    files = [(f"{PACKAGE}/{p.name}", p.read_bytes()) for p in sorted((HERE / PACKAGE).iterdir()) if p.is_file()]
    files.append((f"{PACKAGE}/{SONAME}", _library().read_bytes()))
    files += [(f"{stem}.dist-info/{name}", text.encode()) for name, text in info.items()]
    licence = HERE.parent / "LICENSE"
    if licence.is_file():
        files.append((f"{stem}.dist-info/LICENSE", licence.read_bytes()))
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files)
    record_name = f"{stem}.dist-info/RECORD"
    files.append((record_name, (record + f"{record_name},,\n").encode()))
    wheel = f"{stem}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = (0o755 if name.endswith(SONAME) else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    raise SystemExit("The package is built from a clone of the project: make wheel.")
