"""Hides an installed polygraphy package, so that scripts get the one that travels in the program."""
import importlib.machinery

_find = importlib.machinery.PathFinder.find_spec


def find_spec(name, *args, **kwargs):
    return None if name.split(".")[0] == "polygraphy" else _find(name, *args, **kwargs)


importlib.machinery.PathFinder.find_spec = find_spec
