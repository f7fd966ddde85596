"""`booking invite`: the envelope from the command line."""

import time
import uuid

import typer
from rich.console import Console
from rich.progress import Progress as Bar

from booking.commands import configured, place, talk
from booking.database import Database
from booking.errors import Refusal
from booking.invitations import queries
from booking.invitations.actions import campaigns

QUESTION = (
    "Send e-mail login information to all active clients that do not already have an account?"
)


def run(*, slug: str, dry_run: bool, yes: bool, wait: bool, as_json: bool) -> int:
    try:
        database = place.database(configured.settings())
        with place.writing(database, slug) as session:
            campaigns.check_access(session)
            found = queries.preview(session)
        _say_preview(found, as_json and dry_run, quiet=as_json)
        if dry_run:
            return talk.DONE
        if not yes and not typer.confirm(QUESTION, err=as_json):
            return talk.refuse("nothing was sent")
        with place.writing(database, slug) as session:
            made, _ = campaigns.invite_all(session, by=place.COMMAND)
        if wait:
            _wait(database, slug, made.id)
        return _say_standing(database, slug, made.id, as_json)
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))


def _say_preview(found: queries.Preview, as_json: bool, *, quiet: bool) -> None:
    if as_json:
        talk.say_json({"recipients": found.recipients, "skipped": found.skipped})
    elif not quiet:
        clients = "client" if found.recipients == 1 else "clients"
        talk.say(f"{found.recipients} {clients} will receive the e-mail.")
        for reason, number in found.skipped.items():
            if number:
                talk.say(f"  not invited: {number} ({reason.replace('_', ' ')})")


def _wait(database: Database, slug: str, campaign_id: uuid.UUID) -> None:
    """Until nobody is left to write to, or somebody holds the campaign."""
    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Sending", total=None)
        while True:
            standing = _standing(database, slug, campaign_id)
            total = sum(standing.counts.values())
            bar.update(task, total=total, completed=standing.done)
            if standing.state in {"finished", "cancelled", "paused"}:
                return
            time.sleep(0.5)


def _standing(database: Database, slug: str, campaign_id: uuid.UUID) -> queries.Standing:
    with place.writing(database, slug) as session:
        return queries.standing(session, queries.campaign(session, campaign_id))


def _say_standing(database: Database, slug: str, campaign_id: uuid.UUID, as_json: bool) -> int:
    with place.writing(database, slug) as session:
        campaign = queries.campaign(session, campaign_id)
        standing = queries.standing(session, campaign)
    if as_json:
        talk.say_json(
            {
                "id": campaign_id,
                "state": standing.state,
                "recipients": campaign.recipients,
                "skipped": campaign.skipped,
                "counts": standing.counts,
            }
        )
    else:
        counts = ", ".join(
            f"{number} {state}" for state, number in standing.counts.items() if number
        )
        talk.say(f"Campaign {standing.state}: {counts or 'nobody to write to'}.")
    return talk.DONE
