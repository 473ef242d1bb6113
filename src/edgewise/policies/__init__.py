"""Deployable policies: what remains of a learner once it has learned, saved without code and without pickle."""
