class PolygraphyException(Exception):
    """An error that a script or the program reports to the user."""


class PolygraphyInternalException(Exception):
    """An invariant does not hold."""
