"""`edgewise evaluate POLICY --decisions FILE`."""

from __future__ import annotations

import json
from pathlib import Path

from edgewise.common.errors import ConfigurationError
from edgewise.common.extras import missing
from edgewise.common.progress import progress_bar
from edgewise.common.terminal import number, print_table
from edgewise.policies.artefact import load_policy
from edgewise.training.sources import Candidate


def show_agreement(chosen: Candidate | None, file: Path, as_json: bool) -> int:
    """Print how often a policy decides as was decided; the exit code.

    Args:
        chosen: the policy; of a run with several seeds the first one.
        file: of the decisions.
        as_json: print JSON.
    """
    if chosen is None:
        raise ConfigurationError("decisions", str(file), "given with a policy that is asked")
    try:
        from edgewise.serving.decision_files import count, read
        from edgewise.serving.replay import replay
    except ImportError as error:
        raise missing(error.name or "pyarrow", "serve", error) from None
    artefact = load_policy(chosen.folders[0])
    with progress_bar("decisions", max(count(file), 1), "decisions") as report:
        told = replay(artefact, read(file), lambda done: report(done, "")).plain()
    if as_json:
        print(json.dumps({"policy": chosen.name, "file": str(file), **told}))
        return 0
    print(f"{chosen.name} asked again for {told['decisions']:,} decisions: {told['agreement']:.1%} are the same")
    rows = [(name, _share(part["agreement"]), _number(part["mean_difference"])) for name, part in told["parts"].items()]
    print_table("parts of the action", ("part", "same", "mean difference"), rows)
    by_policy = [
        (name[:12], f"{each['decisions']:,}", _share(each["agreement"])) for name, each in told["policies"].items()
    ]
    print_table("by the policy that had decided", ("sha256", "decisions", "same"), by_policy)
    if told["degraded"]:
        print(f"{told['degraded']:,} of them were answered by the reference rule in the policy's place")
    if told["not_taken"]:
        print(f"{told['not_taken']:,} more have an input that the policy does not take, or none that was kept")
    return 0


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "" if value is None else number(value, 4)
