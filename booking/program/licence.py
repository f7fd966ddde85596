"""What a licence says, and that nobody wrote it but us: verified with public keys, without a
network."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from booking.errors import Conflict

Keys = list[dict[str, str]]
TYPE = "licence+jwt"
_CLOCKS_DIFFER_BY = timedelta(days=1)
_CLAIMS = (
    "sub",
    "iat",
    "exp",
    "paid_until",
    "installation",
    "product",
    "business",
    "serial",
)


class Forged(Conflict):
    code = "licence_not_genuine"
    message = (
        "The licence on this computer was changed, or was made for another one. Register again."
    )


class Ended(Conflict):
    code = "licence_ended"


class ClockWrong(Conflict):
    code = "clock_wrong"
    message = "The clock of this computer is before the day its licence was made. Set it right."


@dataclass(frozen=True, slots=True)
class Licence:
    registration_id: uuid.UUID
    installation_id: str
    product: str
    business: str
    serial_number: str
    paid_until: datetime
    valid_until: datetime
    issued_at: datetime

    def expect_valid(self, moment: datetime) -> None:
        """Raises ClockWrong, Ended."""
        if moment < self.issued_at - _CLOCKS_DIFFER_BY:
            raise ClockWrong
        if moment >= self.valid_until:
            raise Ended(f"The licence ended on {say_day(self.valid_until)}.")


def verified(text: str, keys: Keys, *, installation_id: str) -> Licence:
    """Raises Forged, also for a licence of another installation. Says nothing of the time."""
    try:
        header = jwt.get_unverified_header(text)
        key = next(each for each in keys if each.get("kid") == header.get("kid"))
        claims = jwt.decode(
            text,
            jwt.PyJWK.from_dict(key),
            algorithms=["EdDSA"],
            options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
        )
    except (StopIteration, jwt.PyJWTError) as error:
        raise Forged from error
    if header.get("typ") != TYPE or claims["installation"] != installation_id:
        raise Forged
    return Licence(
        registration_id=uuid.UUID(claims["sub"]),
        installation_id=installation_id,
        product=str(claims["product"]),
        business=str(claims["business"]),
        serial_number=str(claims["serial"]),
        paid_until=_moment(claims["paid_until"]),
        valid_until=_moment(claims["exp"]),
        issued_at=_moment(claims["iat"]),
    )


def is_signed_by(text: str, keys: Keys) -> bool:
    """Whether its key is among these: when keys roll, the new ones are asked for once."""
    try:
        kid = jwt.get_unverified_header(text).get("kid")
    except jwt.PyJWTError:
        return False
    return any(each.get("kid") == kid for each in keys)


def say_day(moment: datetime) -> str:
    """`8 April 2027`, by the calendar of this computer."""
    local = moment.astimezone()
    return f"{local.day} {local:%B %Y}"


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
