"""Environments that are stepped outside of compiled code: everything that is a Gymnasium vector environment."""
