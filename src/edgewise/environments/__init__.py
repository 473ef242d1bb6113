"""Environments: pure reset and step, with thin adapters to the common interfaces."""
