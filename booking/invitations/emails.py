"""The invitation itself, its one reminder, and what staff are told."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from booking.mail.message import Email, Links
from booking.mail.wording import ShownName, ShownText, plain_name
from booking.tokens import Purpose

REMINDER = 1 << 15
"""Added to the edition of an invitation: the reminder of that copy. No generation gets near it."""


NOBODY: Mapping[str, Any] = {
    "invitation_id": uuid.UUID(int=0), "generation": 0, "first_name": ""
}  # fmt: skip
"""In place of what one reader's copy has of its own: a letter to nobody, which all copies share."""


def own_values(
    links: Links, invitation_id: uuid.UUID, generation: int, first_name: str
) -> dict[str, str]:
    """What one reader's copy says that another's does not. `first_name` as a mail may show it."""
    secret = links.secret(Purpose.INVITATION, invitation_id, generation)
    stop = links.secret(Purpose.UNSUBSCRIBE, invitation_id)
    return {
        "first_name": first_name,
        "url": links.url(f"/i/{secret}"),
        "unsubscribe_url": links.url(f"/u/{invitation_id}/{stop}"),
    }


def list_headers(unsubscribe_url: str) -> dict[str, str]:
    return {
        "List-Unsubscribe": f"<{unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


class ClientInvitation(Email):
    """To one client, at the address on their record: who invites, what for, until when, and how
    to stop such mail. One-click unsubscribing after RFC 8058.

    `feedback_id` is what mailbox providers count complaints by: campaign and business, nobody's
    name."""

    template: ClassVar[str] = "invitations/client_invitation"
    is_tracked: ClassVar[bool] = True
    invitation_id: uuid.UUID
    generation: int
    first_name: ShownName
    message: ShownText
    days: int
    feedback_id: str = ""

    @property
    def subject(self) -> str:
        return "Your online account is ready"

    @property
    def edition(self) -> int:
        return self.generation

    def context(self, links: Links) -> dict[str, Any]:
        return own_values(links, self.invitation_id, self.generation, self.first_name)

    def copy_for(self, invitation_id: uuid.UUID, generation: int, first_name: str) -> Self:
        """Of a letter to nobody, the copy for one reader."""
        own = {"invitation_id": invitation_id, "generation": generation}
        return self.model_copy(update={**own, "first_name": plain_name(first_name)})

    def common_headers(self) -> dict[str, str]:
        return {"Feedback-ID": self.feedback_id} if self.feedback_id else {}

    def headers(self, links: Links) -> dict[str, str]:
        return list_headers(self.context(links)["unsubscribe_url"])


class InvitationReminder(ClientInvitation):
    """The one second e-mail to somebody who has not accepted. It carries the link of the first,
    which lives on unchanged; `days` are those it still works."""

    template: ClassVar[str] = "invitations/invitation_reminder"

    @property
    def edition(self) -> int:
        return self.generation + REMINDER

    @property
    def subject(self) -> str:
        return "Your online account is waiting for you"


class CampaignPaused(Email):
    """To whoever pressed the envelope: too many of the first e-mails came back."""

    template: ClassVar[str] = "invitations/campaign_paused"
    slug: str
    campaign_id: uuid.UUID
    bounced: int
    of_first: int

    @property
    def subject(self) -> str:
        return "Your invitations are paused: many e-mails came back"

    def context(self, links: Links) -> dict[str, Any]:
        return {"url": links.url(f"/manage/{self.slug}/campaigns/{self.campaign_id}")}
