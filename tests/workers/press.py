"""One press of the envelope, to be watched from both ends."""

import uuid
from dataclasses import dataclass, field

from booking.audit.actions import SYSTEM
from booking.invitations import queries
from booking.invitations.actions.campaigns import invite
from booking.invitations.models import Campaign
from booking.invitations.queries import Standing
from tests import make
from tests.product import wait_until
from tests.servers import SmtpSink
from tests.site import Site


@dataclass
class Press:
    """One press of the envelope, to addresses that no other test uses."""

    site: Site
    sink: SmtpSink
    count: int
    addresses: list[str] = field(init=False)
    campaign: Campaign = field(init=False)

    def __post_init__(self) -> None:
        here = uuid.uuid4().hex[:12]
        self.addresses = [f"n{number}@{here}.example.com" for number in range(self.count)]
        with self.site.writing() as session:
            people = [make.client(session, email=address) for address in self.addresses]
            session.flush()
            self.campaign = invite(session, [client.id for client in people], by=SYSTEM)

    @property
    def standing(self) -> Standing:
        with self.site.reading() as session:
            return queries.standing(session, queries.campaign(session, self.campaign.id))

    @property
    def copies(self) -> list[int]:
        counted = self.sink.per_recipient()
        return [counted[address] for address in self.addresses]

    @property
    def arrived(self) -> int:
        return sum(self.copies)

    def wait_for(self, arrived: int) -> None:
        wait_until(lambda: self.arrived >= arrived, f"{arrived} messages")

    def wait_for_the_end(self) -> None:
        wait_until(lambda: not self.standing.open, "the end of the campaign")

    def bodies_of(self, address: str) -> set[tuple[str, str]]:
        """How many different messages went there, link and all."""
        mine = [event for event in self.sink.received() if address in event.recipients]
        return {
            (each.message_id, str(body.get_content()))
            for each in mine
            if (body := self.sink.open(each).get_body(("plain",))) is not None
        }
