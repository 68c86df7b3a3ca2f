#!/usr/bin/env python3
"""checksum.py FILE: one line per array of a file of --save-inputs or --save-outputs (JSON), to compare
what two machines made: type, shape, SHA-256 of the elements, mean."""
import base64
import hashlib
import io
import json
import sys

import numpy as np


def walk(value, name):
    if isinstance(value, dict):
        if isinstance(value.get("array"), str):
            array = np.load(io.BytesIO(base64.b64decode(value["array"])), allow_pickle=False)
            print(name, array.dtype, array.shape, hashlib.sha256(array.tobytes()).hexdigest(),
                  "mean %.9g" % array.mean())
            return
        for key, item in value.items():
            walk(item, "%s/%s" % (name, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            walk(item, "%s[%d]" % (name, i))


walk(json.load(open(sys.argv[1])), "")
