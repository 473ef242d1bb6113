"""The commands `edgewise phone ...`."""
