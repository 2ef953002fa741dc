"""Where a lab is, the connection to its scheduler, and what its processes told there last."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from exporter.data.errors import UsageProblem, first_line
from exporter.data.lab import LabReport
from exporter.execution.heavy import load
from exporter.execution.lab.security import security_of
from exporter.execution.lab.worker import METRIC

ASKING_S = 5.0


@dataclass(frozen=True)
class LabAddress:
    """Where a lab is, and how patient its user is.

    Attributes:
        scheduler: its address.
        tls: folder of certificates; None leaves it to Dask's configuration.
        patience_s: for the scheduler to answer at first.
        away_s: for a host or the scheduler to come back.
    """

    scheduler: str
    tls: Path | None = None
    patience_s: float = 10.0
    away_s: float = 120.0


async def identity_of(client: Any) -> dict[str, Any]:
    """What the scheduler knows of itself and its workers.

    Raises:
        OSError: it does not answer.
    """
    answer: dict[str, Any] = await asyncio.wait_for(client.scheduler.identity(n_workers=-1), ASKING_S)
    return answer


def reports_in(identity: dict[str, Any]) -> dict[str, LabReport]:
    """Of the processes of a lab, by address; workers of Dask that are none of a lab's are passed over.

    One whose words cannot be read has another program, and is none that work is sent to.
    """
    told = {at: worker.get("metrics", {}).get(METRIC) for at, worker in identity["workers"].items()}
    return {address: _report(address, text) for address, text in told.items() if text is not None}


def _report(address: str, text: str) -> LabReport:
    try:
        return LabReport.model_validate_json(text)
    except ValidationError:
        return LabReport(host=address, program={})


def connected(at: LabAddress) -> Any:
    """Dask's client of the scheduler.

    Raises:
        UsageProblem: it does not answer, or wants certificates.
        MissingExtraError: Dask is not installed.
    """
    distributed = load("distributed", extra="cluster")
    if not logging.getLogger("exporter").isEnabledFor(logging.DEBUG):
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # all of it is said here, in sentences
    security = security_of(at.tls)
    if at.scheduler.startswith("tls://") and security.get_connection_args("client")["ssl_context"] is None:
        raise UsageProblem(
            f"the scheduler {at.scheduler} wants certificates: give the folder of the lab's, with --tls FOLDER."
        )
    try:
        return distributed.Client(at.scheduler, timeout=at.patience_s, set_as_default=False, security=security)
    except (OSError, ValueError, RuntimeError, TypeError) as error:  # TimeoutError is an OSError
        raise UsageProblem(
            f"the scheduler {at.scheduler} does not answer within {at.patience_s:g} s: {first_line(error)}. Is it "
            f"there? It is started with: mobile-export lab serve"
        ) from error
