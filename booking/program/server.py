"""The server as a program sees it: three requests of the public API, and its public keys."""

import ipaddress
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit
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

    def __init__(self, code: str, message: str, **extra: Any) -> None:
        super().__init__(message, **extra)
        self.code = code


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
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
        is_here = _is_this_machine(host)
        if not host or parts.scheme not in ({"http", "https"} if is_here else {"https"}):
            raise Invalid("The server's address must be like https://booking.example.com.")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._client = httpx.Client(
            base_url=f"{self.url}/api/v1",
            timeout=_PATIENCE,
            headers={"User-Agent": "booking-register"},
            trust_env=not is_here,
        )

    @property
    def name(self) -> str:
        return urlsplit(self.url).netloc

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
        try:
            answer = self._client.request(method, path, **given)
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
        return Refused(code, message, **problem)


def _bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
