"""Memory that was freed goes back to the system."""

import subprocess
import sys

import pytest

_PROGRAM = """
from exporter.execution.memory import give_back

def held():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1])

blocks = [bytes(100_000) for _ in range(1000)]
kept = blocks[-1]
del blocks
before = held()
give_back()
assert held() < before - 10_000, (before, held())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; elsewhere there is nothing to tell the allocator")
def test_what_lies_below_a_live_block_goes_back() -> None:
    """Protects the peak of a run that converts several targets, one after the other."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
