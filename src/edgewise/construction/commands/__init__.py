"""The commands of `edgewise construct`."""
