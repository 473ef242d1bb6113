"""Modules of an agent that are small networks, trained on the simulated phone."""
