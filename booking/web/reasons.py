"""Why somebody was not invited, and how an invitation stands, in the words of a page."""

import re
from dataclasses import dataclass

from booking.invitations.listing import Listed
from booking.invitations.queries import REASONS
from booking.preferences.rules import Preferences

STATES = {
    "queued": "Waiting to be sent",
    "sending": "Being sent now",
    "sent": "Sent, not accepted yet",
    "deferred": "Put off, will be tried again",
    "bounced": "Came back",
    "failed": "Could not be delivered",
    "uncertain": "May arrive twice",
    "accepted": "Accepted",
    "expired": "The link has run out",
    "skipped": "Not sent",
    "revoked": "Taken back",
}


@dataclass(frozen=True, slots=True)
class Skipped:
    """One line of who is left out: how many, why, and the query of the client list that shows
    them, where it can."""

    count: int
    words: str
    query: str


_QUERIES = {
    "inactive": "status=inactive",
    "has_account": "login=yes",
    "invalid_email": "email=problem",
}


def reason_words(chosen: Preferences) -> dict[str, str]:
    hours, most = (
        chosen.invitations.invite_resend_min_hours,
        chosen.invitations.invite_max_per_client,
    )
    return {
        "inactive": "The client is not active",
        "blocked": "The client is blocked",
        "has_account": "There is a login already, of the client or with the same address",
        "no_email": "There is no e-mail address",
        "invalid_email": "The e-mail address can’t be right",
        "suppressed": "No such e-mails are wanted at this address, or it refused them",
        "shared_email": "Another client with the same address is asked; one e-mail an address",
        "recently_invited": f"Invited in the last {hours} hours, or about to be",
        "invited_too_often": f"Invited {most} times already",
        "merged": "The client’s record became part of another one",
        "merge undone": "The client’s record was taken apart again",
        "cancelled": "The campaign was cancelled before",
        "cancelled_in_flight": "The campaign was cancelled while this e-mail was on its way; it may"
        " have arrived",
    }


def skipped_lines(skipped: dict[str, int], chosen: Preferences) -> list[Skipped]:
    words = reason_words(chosen)
    return [
        Skipped(skipped[reason], words[reason], _QUERIES.get(reason, ""))
        for reason in REASONS
        if skipped.get(reason)
    ]


_REFUSALS = (
    (r"[45]\.2\.2|\b(452|552)\b", "The mailbox is full"),
    (r"5\.7\.\d", "The other side refuses e-mails from this service"),
    (r"5\.1\.\d|\b(550|551|553)\b", "There is no such mailbox"),
    (r"4\.7\.\d|4\.2\.\d|\b4\d\d\b", "The other side asked to try again later"),
)


def said_of(listed: Listed, chosen: Preferences) -> str:
    """What stands beside the state of one invitation: why, in words, then as the server said it."""
    row = listed.invitation
    words = reason_words(chosen).get(row.reason)
    if words or not row.reason or row.smtp_code is None:
        return words or row.reason
    said = f"{row.smtp_code} {row.reason}"
    found = next((text for pattern, text in _REFUSALS if re.search(pattern, said)), None)
    return f"{found} ({row.reason})" if found else row.reason
