"""What /proc shows of a process."""

from profilers.parse.linux.sampler import Sample
from profilers.watch.sampled import ProcessUse, process_use

STAT = "7 (a (b)) S 4 4 0 0 -1 10 6 0 0 0 {user} {system} 0 0 20 0 5 0 2 1 4"


def sample(at: float, user: int, system: int, status: str) -> Sample:
    return Sample(at, {"/proc/7/stat": STAT.format(user=user, system=system), "/proc/7/status": status})


def test_peak_and_cpus() -> None:
    """The peak counts swapped pages; ticks are hundredths of seconds; samples after the end are left out."""
    samples = [
        sample(1.0, 100, 20, "VmHWM:\t  500 kB\nVmRSS:\t  400 kB\nVmSwap:\t  200 kB\n"),
        sample(2.0, 160, 40, "VmHWM:\t  550 kB\nVmRSS:\t  300 kB\nVmSwap:\t  0 kB\n"),
        Sample(3.0, {"/proc/7/stat": "", "/proc/7/status": ""}),
    ]
    assert process_use(samples, 7) == ProcessUse(600 * 1024, 0.8)


def test_too_few_samples_show_nothing() -> None:
    """No figure is made of one look, or of another process's files."""
    one = [sample(1.0, 1, 1, "VmHWM:\t  5 kB\n")]
    assert process_use(one, 7) == ProcessUse(5 * 1024, None)
    assert process_use(one, 8) == ProcessUse(None, None)
