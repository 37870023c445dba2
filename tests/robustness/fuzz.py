"""Send the library tens of thousands of mutated answers and frames.

    python -m tests.robustness.fuzz --bodies 20000 --frames 20000 --seed 1

prints the count of each outcome, and the findings: what should not have happened. It exits with 1
if there are any.
"""

from __future__ import annotations

import argparse
import random
import sys

from tests.robustness.fuzz_bodies import fuzz_bodies
from tests.robustness.fuzz_frames import fuzz_frames
from tests.robustness.fuzz_watch import Report, watching


def fuzz(bodies: int, frames: int, seed: int) -> Report:
    """Send mutated bodies and frames; the same seed makes the same choices."""
    report = Report()
    with watching() as watch:
        fuzz_bodies(bodies, random.Random(f"bodies {seed}"), report, watch)
        fuzz_frames(frames, random.Random(f"frames {seed}"), report, watch)
    return report


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description="Fuzz the library with answers and frames.")
    parser.add_argument("--bodies", type=int, default=20_000, help="how many answers")
    parser.add_argument("--frames", type=int, default=20_000, help="how many frames")
    parser.add_argument("--seed", type=int, default=None, help="for the same choices")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    report = fuzz(asked.bodies, asked.frames, seed)
    for (target, outcome), count in sorted(report.outcomes.items()):
        print(f"{count:7} {target:8} {outcome}")
    print(f"{len(report.findings)} unexpected")
    for finding in report.findings[:20]:
        print(f"  {finding.target}: {finding.problem[:400]}\n    {finding.sent[:1500]!r}")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
