"""Shared numerics: input checks and network building blocks. Imports nothing else of the package."""
