"""The configuration as a command reads it: all of it good, or a refusal in words."""

from pydantic import ValidationError

from booking import clock
from booking.config import Settings
from booking.errors import Invalid


def settings() -> Settings:
    """Raises Invalid with what is wrong."""
    try:
        found = Settings()
    except ValidationError as error:
        wrong = [f"BOOKING_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise Invalid("; ".join(wrong)) from None
    if objections := found.objections():
        raise Invalid("; ".join(objections))
    clock.set_offset(found.clock_offset)
    return found
