"""What a host finished while nobody could hear of it."""

from datetime import UTC, datetime
from pathlib import Path

from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.profile import DeviceProfile
from exporter.data.lab import LabPlace
from exporter.data.results.commands import ProfileResults
from exporter.data.verdict import exit_code
from exporter.execution.executor import Done, Lost
from exporter.execution.executors.report import outcome_of
from exporter.execution.isolation import Trouble
from exporter.execution.lab import here
from exporter.execution.lab.client import Lab
from exporter.execution.lab.jobs import Answer
from exporter.use_cases.lab.measuring import placed


def collect(lab: Lab, job: str, *, strict: bool = False) -> ProfileResults:
    """What a job gave, from the host that has it.

    Args:
        lab: whose hosts are asked.
        job: its name.
        strict: whether what could not be checked fails.

    Raises:
        UsageProblem: no host knows the job, or it is still at work.
        ToolError: it gave nothing; or a host cannot be asked, and no other knows it.
    """
    lab.tend()
    silent: list[str] = []
    for host in sorted({report.host for report in lab.reports if report.is_host}):
        try:
            found = lab.on_host(host, here.answers_of, (job,))
        except ToolError as error:
            silent.append(str(error))
            continue
        if job in found:
            return _result(_profiles(found[job], job, host), strict=strict)
    if silent:
        raise ToolError(f"no host that answers knows the job {job}. {' '.join(silent)}")
    raise UsageProblem(f"no host of the lab knows the job {job}; hosts keep what jobs gave for two weeks.")


def _profiles(answer: Answer | None, job: str, host: str) -> list[DeviceProfile]:
    if answer is None:
        raise UsageProblem(f"the job {job} is still at work on {host}, or its process was ended. See `lab status`.")
    outcome = outcome_of(answer.results, answer.code)
    if not isinstance(outcome, Done) or answer.load is None:
        reason = (
            outcome.sentence if isinstance(outcome, Trouble) else outcome.reason if isinstance(outcome, Lost) else ""
        )
        raise ToolError(f"the job {job} gave nothing on {host}: {reason}")
    place = LabPlace(host=host, job=job, cpu_share=answer.load.cpu_share, beside=answer.load.beside)
    found: list[DeviceProfile] = outcome.value
    return [placed(item, f"{item.device}@{host}", place) for item in found]


def _result(found: list[DeviceProfile], *, strict: bool) -> ProfileResults:
    names = [item.result.artifact for item in found if item.result is not None]
    failed = any(item.error for item in found) or not names
    code = 3 if failed else exit_code((verdict for item in found for verdict in item.verdicts), strict=strict)
    return ProfileResults(Path(names[0] if names else "model"), tuple(found), datetime.now(UTC), code)
