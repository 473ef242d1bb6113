"""Slow, obvious NumPy readings of the papers, for parity tests."""
