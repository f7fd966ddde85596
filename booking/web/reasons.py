"""Why somebody was not invited, and how an invitation stands, in the words of a page."""

from dataclasses import dataclass

from booking.invitations.queries import REASONS, Listed
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
        "cancelled": "The campaign was cancelled before",
    }


def skipped_lines(skipped: dict[str, int], chosen: Preferences) -> list[Skipped]:
    words = reason_words(chosen)
    return [
        Skipped(skipped[reason], words[reason], _QUERIES.get(reason, ""))
        for reason in REASONS
        if skipped.get(reason)
    ]


def said_of(listed: Listed, chosen: Preferences) -> str:
    """What stands beside the state of one invitation."""
    reason = listed.invitation.reason
    return reason_words(chosen).get(reason, reason)
