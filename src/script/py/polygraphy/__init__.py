"""What scripts of polygraphy users import, for a Python without NVIDIA's package."""

__version__ = "0.49.26"
