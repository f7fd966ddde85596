"""The server as a program sees it: three requests of the public API, and its public keys."""

import ipaddress
import re
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from booking.errors import Invalid, Refusal
from booking.program.licence import Keys

PRODUCT = "booking"
_PATIENCE = httpx.Timeout(20, connect=10)


class Unreachable(Refusal):
    code = "unreachable"


class Refused(Refusal):
    """The server says no: `code` is the problem's, `extra` what came with it."""

    def __init__(self, code: str, message: str, extra: dict[str, Any]) -> None:
        super().__init__(message)
        self.code, self.extra = code, extra


class Answer(BaseModel):
    id: UUID
    registration_token: str
    serial_number: str
    licence: str
    valid_until: datetime
    next_check_at: datetime


class _KeyList(BaseModel):
    keys: Keys


_Told = TypeVar("_Told", bound=BaseModel)


class Server:
    def __init__(self, url: str) -> None:
        """Raises Invalid for an address that a password must not be sent to."""
        found = re.fullmatch(r"(https?)://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?/*", url.strip())
        self._is_here = found is not None and _is_this_machine(found[2].strip("[]"))
        if found is None or (found[1] == "http" and not self._is_here):
            raise Invalid("The server's address must be like https://booking.example.com.")
        self.name = f"{found[2]}{found[3] or ''}"
        self.url = f"{found[1]}://{self.name}"

    @property
    def _odd(self) -> str:
        return f"{self.name} answers, but not as a booking server does."

    def register(self, wanted: dict[str, str]) -> Answer:
        """Raises Refused, Unreachable."""
        return self._read(Answer, "POST", "/registrations", json=wanted)

    def renew(self, registration_id: UUID, token: str) -> Answer:
        path = f"/registrations/{registration_id}/renew"
        return self._read(Answer, "POST", path, headers=_bearing(token))

    def release(self, registration_id: UUID, token: str) -> None:
        self._ask("DELETE", f"/registrations/{registration_id}", headers=_bearing(token))

    def keys(self) -> Keys:
        return self._read(_KeyList, "GET", "/licences/keys").keys

    def _read(self, kind: type[_Told], method: str, path: str, **given: Any) -> _Told:
        try:
            return kind.model_validate_json(self._ask(method, path, **given).content)
        except ValidationError as error:
            raise Unreachable(self._odd) from error

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Proxies of the environment lead to others, never to this machine."""
        try:
            answer = httpx.request(
                method,
                f"{self.url}/api/v1{path}",
                timeout=_PATIENCE,
                trust_env=not self._is_here,
                **given,
            )
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.name} can't be reached. Is this computer online?") from error
        if answer.is_success:
            return answer
        raise self._refusal(answer)

    def _refusal(self, answer: httpx.Response) -> Refusal:
        """What a problem of the API says; Unreachable for a server that only fails or redirects."""
        try:
            problem = dict(answer.json())
            code, message = str(problem.pop("code")), str(problem.pop("detail"))
        except (ValueError, TypeError, KeyError):
            return Unreachable(self._odd)
        if answer.status_code >= 500:
            return Unreachable(message)
        return Refused(code, message, problem)


def _bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
