"""What Instruments records in a run apart, read table by table."""

from pathlib import Path
from typing import Any, Self

from device_harness.errors import CommandFailedError
from device_harness.protocol import Capabilities
from profilers.parse.apple.xctrace_toc import parse_toc
from profilers.readings import Obtained
from profilers.stages.instruments import Instruments, InstrumentsStage
from tests.fakes.session import FakeDevice
from tests.profilers.apple.test_placement import EXPORT, ROWS
from tests.profilers.sessions import Session


class Recorded:
    """A recording that succeeds."""

    recorded_as: str | None = "UDID"
    has_power_table = True

    def __init__(self, output: Path = Path(), **options: object) -> None:
        self.output = output
        self.options = options

    def begin(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def finish(self) -> Path:
        return self.output


class Broken(Recorded):
    """One that does not begin."""

    def begin(self) -> None:
        raise CommandFailedError("xctrace is not in the mood")


def test_instruments_record_in_a_run_apart(model: Path) -> None:
    """The recorded run is not among the measured ones; a recording that fails leaves the rest as it is."""
    device = FakeDevice(Capabilities(recording=Recorded()))
    broken = InstrumentsStage(Instruments(record=Broken))
    found = Session(device=device, stages=[broken]).readings(model)
    assert found["neural_engine.busy_time"].reason == "xctrace is not in the mood"
    assert len(found["latency"].groups) == 2
    simulator = FakeDevice(environment="simulator", kind="simulator")
    simulated = Session(device=simulator, stages=[broken]).readings(model)
    assert "no Neural Engine" in str(simulated["neural_engine.busy_time"].reason)


TIME_PROFILE = (
    '<trace-query-result><node><schema name="time-profile">'
    "<col><mnemonic>process</mnemonic><engineering-type>process</engineering-type></col>"
    "<col><mnemonic>weight</mnemonic><engineering-type>weight</engineering-type></col></schema>"
    '<row><process id="1" fmt="CoreMLBench (512)"/><weight id="2" fmt="1.00 ms">1000000</weight></row>'
    '<row><process ref="1"/><weight ref="2"/></row>'
    '<row><process id="3" fmt="other (1512)"/><weight ref="2"/></row></node></trace-query-result>'
)


def test_what_instruments_recorded(model: Path) -> None:
    """Tables that the trace has are exported and read; one that is not there, or cannot be read, spoils no other."""
    tables = {"ane-hw-intervals": EXPORT % ROWS, "time-profile": TIME_PROFILE, "SystemPowerLevel": "not XML"}

    def export(trace: Path, schema: str, output: Path, *, run: int) -> Path:
        del trace
        assert run == 4
        output.write_text(tables[schema])
        return output

    listed = "".join(f'<table schema="{schema}"/>' for schema in tables)
    toc = parse_toc(f'<trace-toc><run number="4"><data>{listed}</data></run></trace-toc>'.encode())
    device = FakeDevice(Capabilities(recording=Recorded()))

    def stage(runs: Any) -> InstrumentsStage:
        return InstrumentsStage(Instruments(record=Recorded, contents=lambda trace, folder: runs, export=export))

    found = Session(device=device, stages=[stage(toc)]).readings(model)
    assert found["neural_engine.busy_time"].samples == (0.0015, 0.0015)
    sampled = found["cpu_time.sampled"]
    assert (sampled.samples, sampled.obtained) == ((0.002,), Obtained.ESTIMATED)
    assert "not whole XML" in str(found["battery.discharge_rate"].reason)
    nothing = Session(device=device, stages=[stage(())]).readings(model)
    for metric in ("neural_engine.busy_time", "cpu_time.sampled", "battery.discharge_rate"):
        assert nothing[metric].obtained is Obtained.UNAVAILABLE
        assert "not recorded" in str(nothing[metric].reason)
