"""The kinds of policy that can be deployed, by the name that an artefact gives them."""

from __future__ import annotations

from edgewise.policies.categorical import CategoricalPolicy
from edgewise.policies.categorical_diffusion import CategoricalDiffusionPolicy
from edgewise.policies.deterministic import DeterministicPolicy
from edgewise.policies.diffusion import DiffusionPolicy
from edgewise.policies.distributional import DistributionalPolicy
from edgewise.policies.gaussian import GaussianPolicy
from edgewise.policies.greedy import GreedyPolicy
from edgewise.policies.protocol import DeployablePolicy, RecurrentPolicy
from edgewise.policies.recurrent import RecurrentGreedyPolicy
from edgewise.policies.recurrent_gaussian import RecurrentGaussianPolicy
from edgewise.policies.squashed_diffusion import SquashedDiffusionPolicy
from edgewise.policies.squashed_gaussian import SquashedGaussianPolicy
from edgewise.policies.uniform import UniformPolicy

KINDS: dict[str, type[DeployablePolicy | RecurrentPolicy]] = {
    "deterministic": DeterministicPolicy,
    "diffusion": DiffusionPolicy,
    "categorical": CategoricalPolicy,
    "categorical-diffusion": CategoricalDiffusionPolicy,
    "distributional": DistributionalPolicy,
    "gaussian": GaussianPolicy,
    "greedy": GreedyPolicy,
    "recurrent-gaussian": RecurrentGaussianPolicy,
    "recurrent-greedy": RecurrentGreedyPolicy,
    "squashed-diffusion": SquashedDiffusionPolicy,
    "squashed-gaussian": SquashedGaussianPolicy,
    "uniform": UniformPolicy,
}


def kind_of(policy: DeployablePolicy | RecurrentPolicy) -> str:
    """Name of a policy's kind."""
    return next(name for name, kind in KINDS.items() if type(policy) is kind)
