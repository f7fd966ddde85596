"""`python -m booking.billing.gateways.sandbox`: the sandbox at BOOKING_SANDBOX_GATEWAY_URL, with
its ledger in the data directory."""

from urllib.parse import urlsplit

from booking import clock, household
from booking.billing.gateways.sandbox.ledger import Ledger
from booking.billing.gateways.sandbox.messenger import Messenger
from booking.billing.gateways.sandbox.server import Counter, Server
from booking.config import Settings

LEDGER = "sandbox-gateway.sqlite3"
EVENTS = "/api/v1/billing/events/sandbox"


def main() -> None:
    settings = Settings()
    port = urlsplit(settings.sandbox_gateway_url).port
    if port is None or settings.production:
        raise SystemExit("BOOKING_SANDBOX_GATEWAY_URL names no port, or this is production")
    clock.set_offset(settings.clock_offset)
    household.leave_with_parent()
    messenger = Messenger(settings.public_url + EVENTS, settings.secret)
    ledger = Ledger(settings.data_dir / LEDGER)
    Server(port, Counter(ledger, messenger, settings.secret)).serve_forever()


if __name__ == "__main__":
    main()
