"""Deployable policies: what remains of a learner once it has learned, saved without code and without pickle."""

from edgewise.policies.artefact import ArtefactError, PolicyArtefact, load_policy, save_policy

__all__ = ["ArtefactError", "PolicyArtefact", "load_policy", "save_policy"]
