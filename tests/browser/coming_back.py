"""Invitations gone wrong, for looking at: a campaign that paused itself because e-mails came back,
an address that nobody has, a link that has run out, and one that was stopped."""

from datetime import timedelta

from sqlalchemy import select

from booking.audit.actions import SYSTEM
from booking.invitations.actions import campaigns, coming_back
from booking.invitations.models import Invitation, InvitationState
from tests import make
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.site import Site

SAID = "5.1.1 The e-mail account that you tried to reach does not exist"


def what_comes_back(site: Site, pages: Pages, mailbox: Mailbox) -> dict[str, str]:
    """Links for the table of screens."""
    with site.writing() as session:
        people = [
            make.client(
                session, first_name=name.title(), last_name="Old", email=f"{name}@old.example"
            )
            for name in ("amy", "bo", "cy", "di", "eve", "flo", "gus", "hal")
        ]
        gone = str(people[0].id)
        session.flush()
        alarmed = campaigns.invite(session, [each.id for each in people], by=SYSTEM)
        alarmed_id = str(alarmed.id)
        rows = list(session.scalars(select(Invitation).where(Invitation.campaign_id == alarmed.id)))
        for row, client in zip(rows[:6], people, strict=False):
            row.state, row.smtp_code, row.reason = InvitationState.BOUNCED, 550, SAID
            row.email, row.email_key = client.email, client.email_key
        session.flush()
        coming_back.refused(session, [row.id for row in rows[:6]])
        late = make.client(session, first_name="Lata", last_name="Late", email="lata@example.com")
        mute = make.client(session, first_name="Mu", last_name="Te", email="mute@example.com")
        session.flush()
        campaigns.invite(session, [late.id, mute.id], by=SYSTEM)
        late_id, mute_id = late.id, str(mute.id)
    expired = mailbox.latest("lata@example.com").link("/i/")
    stopped = mailbox.latest("mute@example.com").link("/u/")
    pages.visitor().request("POST", stopped)
    with site.writing() as session:
        row = session.scalars(select(Invitation).where(Invitation.client_id == late_id)).one()
        assert row.expires_at is not None
        row.expires_at -= timedelta(days=15)
    return {
        "alarmed": f"/manage/happy-paws/campaigns/{alarmed_id}",
        "gone": gone,
        "mute": mute_id,
        "expired": expired,
        "stopped": stopped,
    }
