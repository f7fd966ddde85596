"""What we write to the people who run a business."""

import uuid
from typing import Any, ClassVar

from booking.mail.message import Email, Links
from booking.mail.wording import ShownName
from booking.tokens import Purpose


class MemberInvited(Email):
    template: ClassVar[str] = "businesses/member_invited"
    proof_id: uuid.UUID
    business_name: ShownName
    role: str
    days: int

    @property
    def subject(self) -> str:
        return "You are invited to help run a booking site"

    def context(self, links: Links) -> dict[str, Any]:
        secret = links.secret(Purpose.MEMBER_INVITATION, self.proof_id)
        return {"url": links.url(f"/manage/join/{secret}")}
