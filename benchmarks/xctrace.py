"""Reads a synthetic xctrace export of a given size: seconds, and peak memory of the process.

    python benchmarks/xctrace.py [MEGABYTES]

Rows are shaped like those of Xcode 27's ``time-profile``: a new time in every row, threads and weights by reference, a
backtrace by reference nine times out of ten.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from profilers.parse.apple.xctrace import read_rows

HEAD = """<?xml version="1.0"?>
<trace-query-result>
<node xpath='//trace-toc[1]/run[1]/data[1]/table[14]'><schema name="time-profile">\
<col><mnemonic>time</mnemonic><name>Sample Time</name><engineering-type>sample-time</engineering-type></col>\
<col><mnemonic>thread</mnemonic><name>Thread</name><engineering-type>thread</engineering-type></col>\
<col><mnemonic>process</mnemonic><name>Process</name><engineering-type>process</engineering-type></col>\
<col><mnemonic>weight</mnemonic><name>Weight</name><engineering-type>weight</engineering-type></col>\
<col><mnemonic>stack</mnemonic><name>Backtrace</name><engineering-type>tagged-backtrace</engineering-type></col></schema>
<row><sample-time id="1" fmt="00:00.100.000">0</sample-time><thread id="2" fmt="Main Thread (0x1) (App, pid: 7)">\
<tid id="3" fmt="0x1">1</tid><process id="4" fmt="App (7)"><pid id="5" fmt="7">7</pid></process></thread>\
<process ref="4"/><weight id="6" fmt="1.00 ms">1000000</weight><tagged-backtrace id="7"><frame id="8" name="main" \
addr="0x3"/></tagged-backtrace></row>
"""


def write_export(path: Path, size_bytes: int) -> int:
    """Write an export of at least `size_bytes`; returns the number of rows."""
    rows, number, written = 1, 8, 0
    with path.open("w", encoding="utf-8") as file:
        written += file.write(HEAD)
        while written < size_bytes:
            lines = []
            for _ in range(10_000):
                number += 1
                when = rows * 1_000_000
                lines.append(
                    f'<row><sample-time id="{number}" fmt="00:{rows / 1000:07.3f}">{when}</sample-time>'
                    '<thread ref="2"/><process ref="4"/><weight ref="6"/>'
                )
                if rows % 10:
                    lines.append('<tagged-backtrace ref="7"/></row>\n')
                else:
                    number += 3
                    frame = f'<frame id="{number - 1}" name="f{rows}" addr="0x{rows:x}"><binary id="{number}"/></frame>'
                    lines.append(f'<tagged-backtrace id="{number - 2}">{frame}</tagged-backtrace></row>\n')
                rows += 1
            written += file.write("".join(lines))
        file.write("</node></trace-query-result>\n")
    return rows


def main() -> None:
    """Generate, read, check, print."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "time-profile.xml")
        expected = write_export(path, megabytes * 10**6)
        size = path.stat().st_size
        start, cpu = time.perf_counter(), time.process_time()
        with path.open("rb") as file:
            rows = weight = 0
            for _when, _process, share in read_rows(file, "time-profile", ("time", "process", "weight")):
                rows += 1
                weight += share if isinstance(share, int) else 0
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    assert (rows, weight) == (expected, expected * 1_000_000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{size / 1e6:.0f} MB, {rows} rows: {seconds:.1f} s ({cpu_seconds:.1f} s of CPU), peak {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
