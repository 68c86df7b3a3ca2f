"""Importing on first use, and from files."""
import importlib
import importlib.util
import os
import re


class _LazyModule:
    def __init__(self, name):
        self.__dict__["_name"] = name

    def _load(self):
        return importlib.import_module(self._name)

    def __getattr__(self, name):
        return getattr(self._load(), name)

    def __setattr__(self, name, value):
        setattr(self._load(), name, value)


def lazy_import(name, *args, **kwargs):
    """The module on first use; a version behind the name ("numpy>=1.20") is not checked."""
    return _LazyModule(re.split(r"[<>=!]", name)[0].strip())


def has_mod(name, *args, **kwargs):
    return importlib.util.find_spec(re.split(r"[<>=!]", name)[0].strip()) is not None


def import_from_script(path, name):
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)
