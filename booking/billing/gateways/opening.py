"""The processor that is configured."""

from collections.abc import Callable

from booking.billing.gateways.protocol import Gateway
from booking.billing.gateways.sandbox.client import Sandbox
from booking.config import Settings
from booking.errors import Conflict

GATEWAYS: dict[str, Callable[[Settings], Gateway]] = {
    "sandbox": Sandbox,
}


class NoGateway(Conflict):
    code = "no_payment_processor"
    message = "Payments are not set up on this installation."


def open_gateway(settings: Settings) -> Gateway:
    """To be closed by whoever opened it. Raises NoGateway."""
    if not settings.gateways:
        raise NoGateway
    return GATEWAYS[settings.gateways[0]](settings)
