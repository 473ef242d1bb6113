"""Quality, running time and energy of a generator, measured: the curve that a provider is described by."""
