"""Run with python3 -c: makes the files below importable, last in line, and starts the worker.

Arguments: file descriptors of the socket, of the image of our Python files, and of the file that the
traceback of a crash goes to.
"""
import sys

if sys.path[:1] == [""]:  # the current folder is there only because of -c
    del sys.path[0]
import importlib.abc
import importlib.machinery
import os


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    def __init__(self, image):
        self.files = {}
        while image:
            head, image = image.split(b"\n", 1)
            name, size = head.split(b" ")
            self.files[name.decode()] = image[: int(size)].decode()
            image = image[int(size) :]

    def _path(self, name):
        path = name.replace(".", "/")
        return next((p for p in (path + ".py", path + "/__init__.py") if p in self.files), None)

    def find_spec(self, name, path=None, target=None):
        file = self._path(name)
        if file is None:
            return None
        package = file.endswith("/__init__.py")
        return importlib.machinery.ModuleSpec(name, self, origin="<polygraphy>/" + file, is_package=package)

    def is_package(self, name):
        return self._path(name).endswith("/__init__.py")

    def get_source(self, name):
        return self.files[self._path(name)]

    def exec_module(self, module):
        file = self._path(module.__name__)
        exec(compile(self.files[file], "<polygraphy>/" + file, "exec"), module.__dict__)


def _start():
    socket_fd, image_fd, crash_fd = (int(a) for a in sys.argv[1:4])
    sys.argv = [""]
    with os.fdopen(image_fd, "rb") as f:
        sys.meta_path.append(_Finder(f.read()))
    import _polygraphy_worker

    _polygraphy_worker.main(socket_fd, crash_fd)


_start()
