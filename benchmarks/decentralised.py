"""The price of deciding apart: a policy for any fleet on own views (`views`) against the same weights on the central observation.

Run: python benchmarks/decentralised.py POLICY [--cases NAME ...] [--episodes N] [--trace FILE] [--out FILE]

POLICY is the folder of an artefact or of a run. Both play the same episodes, those of benchmarks/general.py. Figures are means of
the latency per slot in s; the price is that of the mean over episodes, in percent.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import general

from edgewise.policies.artefact import load_policy
from edgewise.policies.decentralised import decentralised
from edgewise.policies.learned import LearnedPolicy
from edgewise.systems.agent_migration.entities import EntityMigration
from edgewise.systems.agent_migration.environment import AgentMigration

CASES = ("default", "16x8", "bologna-8")


def apart(policy: Any) -> general.Player:
    """Everyone by himself, with the weights of a central policy."""
    return lambda system: (EntityMigration(system, view="own"), LearnedPolicy(decentralised(policy)))


def compare(instance: general.Instance, policy: Any) -> dict[str, Any]:
    """Both rows of an instance, and what deciding apart costs, in percent of the central latency."""
    (together,) = general.figures([instance], policy, general.of_learned)
    (alone,) = general.figures([instance], policy, apart)
    price = 100 * (alone["latency"] / together["latency"] - 1)
    return {"case": instance.case, "central": together, "own": alone, "price_percent": round(price, 2)}


def reach(system: AgentMigration) -> str:
    """Size of a system and radius of coverage, in words."""
    return f"{system.vehicles} x {system.rsus}, coverage {float(system.parameters.coverage):.0f} m"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", metavar="POLICY")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=general.CASES)
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--trace", type=Path, default=Path("../shared/data/mobility/bologna-acosta.csv.gz"))
    parser.add_argument("--out", type=Path, help="write all rows as JSON")
    options = parser.parse_args()
    policy = load_policy(general._policy_folder(Path(options.policy))).policy
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for instance in general.instances(options.cases, options.trace, Path(scratch)):
            row = compare(replace(instance, episodes=options.episodes), policy)
            rows.append(row)
            together, alone = row["central"], row["own"]
            print(
                f"{row['case']} ({reach(instance.environment)}): central {together['latency']:.1f}, own {alone['latency']:.1f}, "
                f"{row['price_percent']:+.2f}%",
                flush=True,
            )
            if options.out is not None:
                options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
