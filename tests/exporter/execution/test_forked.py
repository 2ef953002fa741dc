"""What a copy of this process is ended by, found out without ending this one."""

import gc
import os
import signal
import sys
import time

import pytest

from exporter.execution.forked import fatal_signal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of processes are made on Linux alone")


def test_what_ends_a_copy_is_told() -> None:
    assert fatal_signal(os.abort) == "Aborted"
    assert fatal_signal(lambda: os.kill(os.getpid(), signal.SIGSEGV)) == "Segmentation fault"


def test_an_error_is_none_and_neither_is_what_takes_long() -> None:
    def wrong() -> None:
        raise ValueError("wrong")

    assert fatal_signal(wrong) is None
    assert fatal_signal(lambda: time.sleep(60), patience_s=0.1) is None


def test_what_was_set_aside_stays_set_aside() -> None:
    """Protects long processes that load libraries once: searched for garbage, they take seconds of each conversion."""
    gc.freeze()
    most = gc.get_freeze_count() // 2  # a few of them are freed meanwhile; what is brought back is all of them
    assert fatal_signal(lambda: os.abort() if gc.get_freeze_count() < most else None) is None
    assert gc.get_freeze_count() > most
