"""A hundred faults at random times against a real adbd: how each session ended, how long it took, what was left.

python benchmarks/profile_faults.py [COUNT] [SEED]
"""

import collections
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from device_harness.adb import client as adb_client
from device_harness.adb import device as adb
from tests.fakes.adbd import adbd_rig
from tests.fakes.faults import FAULTS, Outcome, inject

GRACE_S = 2


def main() -> int:
    """Inject, print a table; 1 when anything was left or took over a minute."""
    count, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 100, int(sys.argv[2]) if len(sys.argv) > 2 else 0
    adb_client.CONTROL_LIMIT_S, adb_client.RECONNECT_LIMIT_S, adb.GUARD_GRACE_S = 5.0, 5.0, GRACE_S
    choice = random.Random(seed)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder, adbd_rig(Path(folder)) as rig:
        for number in range(count):
            fault = choice.choice(list(FAULTS))
            outcome = inject(rig, fault, choice.uniform(0, 2.5), Path(folder), grace_s=GRACE_S)
            outcomes.append(outcome)
            print(
                f"{number + 1:3} {fault:28} {outcome.ended:24} {outcome.seconds:5.1f} s  {outcome.leftovers or ''}",
                flush=True,
            )
    ends = collections.Counter((outcome.fault, outcome.ended) for outcome in outcomes)
    for (fault, ended), times in sorted(ends.items()):
        print(f"{times:4}  {fault:28} {ended}")
    longest = max(outcome.seconds for outcome in outcomes)
    left = sum(bool(outcome.leftovers) for outcome in outcomes)
    print(f"longest {longest:.1f} s, sessions with leftovers: {left}")
    return int(bool(left) or longest > 60)


if __name__ == "__main__":
    sys.exit(main())
