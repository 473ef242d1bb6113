"""Learned decisions at the network edge."""

__version__ = "0.1.0"
