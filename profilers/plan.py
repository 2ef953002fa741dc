"""ProfilePlan: how often, how long and under which conditions a model is measured."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from device_harness.frozen import Frozen

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
# Rejected runs, and those of output check, operators and sustained latency; starting, and asking for conditions.
EXTRA_PROCESSES, PROCESS_MARGIN_S = 8, 90.0


class ProfilePlan(Frozen):
    """A measurement, as data.

    The defaults follow MLPerf Power and the LiteRT guide: warm up for at least 5 inferences and a second, then at
    least 50 inferences and 2 s in each of several processes; energy over a minute with the idle power before and after.

    Attributes:
        warmup_runs: least number of warm-up inferences of each process.
        warmup_min_s: least time of the warm-up.
        runs: least number of measured inferences of each process.
        min_s: least time of the measured phase of each process.
        processes: how many times a new process loads the model and measures; the order over several models is random.
        threads: CPU threads.
        cpus: logical CPUs to bind the process to; empty leaves it to the scheduler.
        accelerator: unit asked for.
        signature: of the model; None is its first.
        input_shapes: of inputs, by name, where they are not the file's own; every dimension is a number.
        inputs: by name, the file with the values that it is fed; inputs without one get random values.
        seed: of inputs and of the order.
        quick: a desk check: one process, no waiting, nothing about energy; marked in every reading.
        cool_down: wait between processes until the temperature is back at its start.
        cool_down_limit_s: longest such wait; then the run goes on and says so.
        cool_down_margin_k: how near the start temperature counts as back.
        idle_s: length of each idle baseline of an energy measurement.
        energy_s: length of each loaded phase of an energy measurement.
        cold_loads: how many processes load the model with its file out of the page cache; 0 leaves that out.
        energy_repeats: how many times idle and load alternate.
        sampling_interval_s: of temperatures, frequencies, memory and slow meters.
        sustained_s: length of a run without pause for the sustained latency; 0 leaves it out.
        op_profile: whether to take a per-operator profile, in a run of its own.
        battery_percent: lowest and highest charge at which a battery device is measured.
        limit_s: longest time of any one process.
    """

    warmup_runs: Count = 5
    warmup_min_s: Seconds = 0.5
    runs: Count = 50
    min_s: Seconds = 2.0
    processes: Count = 5
    threads: Count = 1
    cpus: tuple[Annotated[int, Field(ge=0)], ...] = ()
    accelerator: Literal["cpu", "gpu", "npu"] = "cpu"
    signature: str | None = None
    input_shapes: dict[str, tuple[Count, ...]] = {}
    inputs: dict[str, str] = {}
    seed: int = 0
    quick: bool = False
    cool_down: bool = True
    cool_down_limit_s: Seconds = 120
    cool_down_margin_k: Seconds = 1.0
    idle_s: Seconds = 60
    energy_s: Seconds = 60
    cold_loads: Annotated[int, Field(ge=0)] = 3
    energy_repeats: Annotated[int, Field(ge=0)] = 5
    sampling_interval_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.25
    sustained_s: Seconds = 0
    op_profile: bool = False
    battery_percent: tuple[float, float] = (30, 80)
    limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 600

    @model_validator(mode="after")
    def _holds(self) -> Self:
        low, high = self.battery_percent
        if not 0 <= low < high <= 100:
            raise ValueError("battery_percent [low, high] must have 0 <= low < high <= 100")
        if self.min_s >= self.limit_s or self.energy_s >= self.limit_s or self.sustained_s >= self.limit_s:
            raise ValueError("limit_s must be longer than min_s, energy_s and sustained_s")
        return self

    @classmethod
    def desk_check(cls, **changes: Any) -> "ProfilePlan":
        """The plan of ``--quick``: seconds instead of minutes, one process, no energy."""
        quick: dict[str, Any] = {
            "quick": True,
            "processes": 1,
            "runs": 20,
            "min_s": 0.0,
            "warmup_runs": 3,
            "warmup_min_s": 0.0,
            "cool_down": False,
            "cold_loads": 1,
            "energy_repeats": 0,
        }
        return cls(**{**quick, **changes})

    def longest_s(self, models: int = 1) -> float:
        """An upper bound of the time that so many models take, with runs that are done again, in seconds."""
        process_s = 2 * self.limit_s + self.cool_down_limit_s + PROCESS_MARGIN_S
        energy_s = (self.energy_repeats + 1) * 2 * self.idle_s + self.energy_repeats * process_s
        return models * ((self.processes + self.cold_loads + EXTRA_PROCESSES) * process_s + energy_s + self.sustained_s)

    def conditions(self) -> dict[str, str]:
        """What must be equal for two readings to be comparable."""
        conditions = {"threads": str(self.threads), "accelerator": self.accelerator, "quick": str(self.quick).lower()}
        if self.cpus:
            conditions["cpus"] = ",".join(map(str, self.cpus))
        if self.signature is not None:
            conditions["signature"] = self.signature
        for name, shape in sorted(self.input_shapes.items()):
            conditions[f"input_shape.{name}"] = ",".join(map(str, shape))
        for name, file in sorted(self.inputs.items()):
            conditions[f"input.{name}"] = Path(file).name
        return conditions
