"""Adapters between `edgewise.environments.environment.Environment` and the interfaces of other libraries."""
