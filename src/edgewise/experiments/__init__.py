"""Experiments: what is computed, what is claimed of it, and what is drawn; cells and probes are kept and shared."""
