"""The paper, described for the registry."""

from __future__ import annotations

from edgewise.experiments.catalogue import Paper
from edgewise.papers.malppo.experiments import EXPERIMENTS, PROFILES

PAPER = Paper(EXPERIMENTS, PROFILES)
