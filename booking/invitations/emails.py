"""The invitation itself, its one reminder, and what staff are told."""

import functools
import uuid
from typing import Any, ClassVar

from booking.mail.message import Email, Links
from booking.mail.wording import ShownName, ShownText
from booking.tokens import Purpose

REMINDER = 1 << 15
"""Added to the edition of an invitation: the reminder of that copy. No generation gets near it."""


_NOBODY = {"invitation_id": uuid.UUID(int=0), "generation": 0, "first_name": ""}
"""In place of what one reader's copy has of its own."""


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
        return self.differs(links)

    def differs(self, links: Links) -> dict[str, str]:
        """What one reader's copy has that another's has not."""
        secret = links.secret(Purpose.INVITATION, self.invitation_id, self.generation)
        return {
            "first_name": self.first_name,
            "url": links.url(f"/i/{secret}"),
            "unsubscribe_url": self._unsubscribe(links),
        }

    def common(self) -> tuple[object, ...]:
        """All that the copies of all readers have in common."""
        return type(self), *(getattr(self, name) for name in self._common_fields())

    @classmethod
    @functools.cache
    def _common_fields(cls) -> tuple[str, ...]:
        return tuple(cls.model_fields.keys() - _NOBODY.keys())

    def for_anybody(self) -> "ClientInvitation":
        """The same email with nobody in it: equal for all readers of one campaign."""
        return self.model_copy(update=_NOBODY)

    def common_headers(self) -> dict[str, str]:
        return {"Feedback-ID": self.feedback_id} if self.feedback_id else {}

    def headers(self, links: Links) -> dict[str, str]:
        return self.list_headers(self._unsubscribe(links))

    @staticmethod
    def list_headers(unsubscribe_url: str) -> dict[str, str]:
        return {
            "List-Unsubscribe": f"<{unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }

    def _unsubscribe(self, links: Links) -> str:
        secret = links.secret(Purpose.UNSUBSCRIBE, self.invitation_id)
        return links.url(f"/u/{self.invitation_id}/{secret}")


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
