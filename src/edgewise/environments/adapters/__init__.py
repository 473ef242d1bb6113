"""Adapters between `edgewise.environments.base.Environment` and the interfaces of other libraries."""
