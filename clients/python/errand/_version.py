"""The version, the same as that of the servers."""

__version__ = "0.1.0"
