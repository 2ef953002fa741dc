"""Devices of a Smartphone Test Farm (STF, DeviceFarmer), taken by its REST API: with `STF_URL` and `STF_TOKEN`.

The farm's own address of the device, which it gives to whoever has taken it, is what the session is opened with.
"""

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from device_harness.errors import CommandFailedError, DeviceBusyError, DeviceError
from device_harness.lease import Lease
from device_harness.words import printable_values

URL, TOKEN = "STF_URL", "STF_TOKEN"
ANSWER_S = 30.0
MOST_BYTES = 16_000_000


class FarmRefusalError(CommandFailedError):
    """The farm answers with an error; `code` is HTTP's."""

    def __init__(self, farm: str, code: int, words: str) -> None:
        super().__init__(f"The device farm {farm} answers {code} {words}. Is {TOKEN} right?")
        self.code = code


class FarmDevice:
    """Implements `Held`."""

    def __init__(self, farm: "Farm", serial: str, address: str | None, *, ours_before: bool) -> None:
        self._farm, self._serial, self._ours_before = farm, serial, ours_before
        self.address = address

    def check(self) -> None:
        """Nothing: the farm cuts the connection of a device that it takes away."""

    def release(self) -> None:
        """``DELETE user/devices/SERIAL``; what this user had before stays taken."""
        if not self._ours_before:
            self._farm.ask("DELETE", f"user/devices/{quote(self._serial, safe='')}")


class Farm:
    """A farm's API."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url.rstrip("/"), token

    def ask(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer's JSON object.

        Raises:
            FarmRefusalError: it refuses.
            DeviceError: it does not answer, or not with such an object.
        """
        if not self._url.startswith(("http://", "https://")):
            raise DeviceError(f"{URL} must begin with http:// or https://, not {self._url[:40]!r}.")
        request = Request(  # noqa: S310 - looked at above
            f"{self._url}/api/v1/{path}",
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310 - looked at above
                found = printable_values(json.loads(answer.read(MOST_BYTES)))
        except HTTPError as error:
            raise FarmRefusalError(self._url, error.code, str(error.reason)) from error
        except (URLError, OSError, ValueError) as error:
            raise CommandFailedError(f"The device farm {self._url} does not answer as STF does: {error}") from error
        if not isinstance(found, dict):
            raise CommandFailedError(f"The device farm {self._url} does not answer as STF does.")
        return found


class StfWay:
    """Implements `Way`."""

    def take(self, lease: Lease) -> FarmDevice | None:
        """The device by its serial, or by the address that the farm has given for it."""
        url = os.environ.get(URL)
        if not url:
            return None
        return _taken(Farm(url, os.environ.get(TOKEN, "")), lease)


def _taken(farm: Farm, lease: Lease) -> FarmDevice | None:
    listed = farm.ask("GET", "devices").get("devices")
    known = (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    found = next((one for one in known if lease.serial in (one.get("serial"), one.get("remoteConnectUrl"))), None)
    if found is None:
        return None
    serial, owner = str(found.get("serial")), found.get("owner")
    ours = isinstance(owner, dict) and _is_me(farm, owner)
    if owner and not ours:
        raise _busy(lease.serial, owner)
    if not ours:
        _claim(farm, serial, lease)
    try:
        answer = farm.ask("POST", f"user/devices/{quote(serial, safe='')}/remoteConnect")
    except DeviceError:
        FarmDevice(farm, serial, None, ours_before=ours).release()
        raise
    return FarmDevice(farm, serial, answer.get("remoteConnectUrl") or None, ours_before=ours)


def _claim(farm: Farm, serial: str, lease: Lease) -> None:
    try:
        farm.ask("POST", "user/devices", {"serial": serial, "timeout": int(lease.longest_s * 1000)})
    except FarmRefusalError as error:
        if error.code != 403:
            raise
        raise _busy(lease.serial, None) from error  # somebody was faster, or it is not ready


def _is_me(farm: Farm, owner: Mapping[str, Any]) -> bool:
    user = farm.ask("GET", "user").get("user")
    return isinstance(user, dict) and bool(user.get("email")) and user.get("email") == owner.get("email")


def _busy(serial: str, owner: Any) -> DeviceBusyError:
    told = owner if isinstance(owner, dict) else {}
    who = " ".join(str(told[key]) for key in ("name", "email") if told.get(key)) or "somebody else"
    return DeviceBusyError(
        f"{serial} is in use by {who} in the device farm, or not ready there. Wait for it with --wait 30m.",
        serial=serial,
    )


WAY = StfWay()
