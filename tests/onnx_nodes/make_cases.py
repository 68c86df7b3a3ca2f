#!/usr/bin/env python3
"""Writes the node cases of the installed onnx package as folders that run_nodes reads.

    make_cases.py FOLDER [NAME]...

FOLDER/NAME/model.onnx and FOLDER/NAME/test_data_set_0/{input,output}_N.pb, as onnx-testdata has
them. Without names: all there are. FOLDER/version.txt names the package's version and appears last: when it is there
and says the same, nothing is done. Exits with 77 when the onnx package is missing.
"""

import os
import shutil
import sys
import warnings


def as_message(numpy_helper, value, info):
    """A case's value as the message that its declared type asks for."""
    if hasattr(value, "SerializeToString"):
        return value
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    if kind == "map_type":
        return numpy_helper.from_dict(value, info.name)
    return numpy_helper.from_array(value, info.name)


def write_case(numpy_helper, folder, case):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "model.onnx"), "wb") as f:
        f.write(case.model.SerializeToString())
    for i, (inputs, outputs) in enumerate(case.data_sets):
        data = os.path.join(folder, f"test_data_set_{i}")
        os.makedirs(data, exist_ok=True)
        graph = case.model.graph
        for what, values, infos in (("input", inputs, graph.input),
                                    ("output", outputs, graph.output)):
            for k, (value, info) in enumerate(zip(values, infos)):
                if value is None:  # an optional input left out
                    continue
                with open(os.path.join(data, f"{what}_{k}.pb"), "wb") as f:
                    f.write(as_message(numpy_helper, value, info).SerializeToString())


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    try:
        import onnx
        from onnx import numpy_helper
        from onnx.backend.test.loader import load_model_tests
    except ImportError as missing:
        print(f"SKIPPED: {missing}; set PX_ONNX_PYTHON to a python that has it")
        return 77
    folder, names = sys.argv[1], set(sys.argv[2:])
    stamp = os.path.join(folder, "version.txt")
    version = f"onnx {onnx.__version__} {' '.join(sorted(names)) or 'all'}\n"
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as f:
            if f.read() == version:
                return 0
        shutil.rmtree(folder)
    cases = [c for c in load_model_tests(kind="node") if not names or c.name in names]
    missing = names - {c.name for c in cases}
    if missing:
        sys.exit(f"onnx {onnx.__version__} has no case {sorted(missing)}")
    for case in cases:
        write_case(numpy_helper, os.path.join(folder, case.name), case)
    with open(stamp, "w", encoding="utf-8") as f:
        f.write(version)
    print(f"{version.strip()}: {len(cases)} cases written to {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
