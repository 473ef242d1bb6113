"""Kinds of module that come with the package: small networks on a drawn user interface."""
