"""Certificates of a lab: a folder that everybody in it has, which is what lets them in."""

import ipaddress
from pathlib import Path
from typing import Any

from device_harness import process
from exporter.data.errors import UsageProblem
from exporter.execution.heavy import load

CA, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"
VARIABLE = "MOBILE_EXPORT_LAB_TLS"
DAYS = 3650
_MAKING_S = 60.0


def security_of(folder: Path | None) -> Any:
    """Dask's `Security` of a folder of certificates; what Dask's own configuration says where there is none.

    Raises:
        UsageProblem: a certificate is missing.
        MissingExtraError: Dask is not installed.
    """
    distributed = load("distributed", extra="cluster")
    if folder is None:
        return distributed.Security()
    missing = [name for name in (CA, CERTIFICATE, KEY) if not (folder / name).is_file()]
    if missing:
        raise UsageProblem(
            f"{folder} has no {', '.join(missing)}. Copy the folder of certificates of the lab here, or make one where "
            f"the lab begins: mobile-export lab certificates {folder}"
        )
    pair = {
        f"tls_{who}_{what}": str(folder / name) for who in ("client", "worker", "scheduler") for what, name in _PAIR
    }
    return distributed.Security(tls_ca_file=str(folder / CA), require_encryption=True, **pair)


_PAIR = (("cert", CERTIFICATE), ("key", KEY))


def make_certificates(folder: Path) -> None:
    """A certificate of the lab's own, which vouches for itself, with its key.

    Raises:
        UsageProblem: there are some already.
        ToolMissingError: OpenSSL is not installed.
        DeviceError: it failed.
    """
    there = [name for name in (CA, CERTIFICATE, KEY) if (folder / name).exists()]
    if there:
        raise UsageProblem(f"{folder} has {', '.join(there)} already; nothing was changed.")
    program = process.find_program("openssl", "It makes the certificates: apt install openssl, or give your own.")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    whose = ["-subj", "/CN=mobile-export lab", "-days", str(DAYS)]
    files = ["-keyout", str(folder / KEY), "-out", str(folder / CERTIFICATE)]
    done = process.run([program, "req", "-x509", *curve, *whose, *files], timeout_s=_MAKING_S)
    if done.returncode != 0:
        raise UsageProblem(f"openssl could not make certificates in {folder}: {done.errors.strip()[-200:]}")
    (folder / KEY).chmod(0o600)
    (folder / CA).write_bytes((folder / CERTIFICATE).read_bytes())


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host of this name or address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(address: str) -> str:
    """The host in an address such as ``tls://10.0.0.1:8786``."""
    return address.rpartition("://")[2].rpartition(":")[0]
