"""A reader says whether an article helped."""

from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking import clock
from booking.errors import NotFound
from booking.fields import Paragraph
from booking.help import queries
from booking.help.models import HelpAnswer


class Comment(BaseModel):
    """What somebody adds to the answer, or nothing."""

    comment: Paragraph = ""


def say_whether_helpful(session: Session, slug: str, visitor_digest: str, helpful: bool) -> None:
    """Counted once a visitor: who answers again changes the answer. Raises NotFound."""
    if queries.article(slug) is None:
        raise NotFound
    known = queries.answer_of(session, slug, visitor_digest)
    if known is not None:
        known.was_helpful, known.answered_at = helpful, clock.now()
        return
    try:
        with session.begin_nested():
            session.add(
                HelpAnswer(
                    article=slug,
                    visitor_digest=visitor_digest,
                    was_helpful=helpful,
                    answered_at=clock.now(),
                )
            )
    except IntegrityError:
        say_whether_helpful(session, slug, visitor_digest, helpful)


def comment(session: Session, slug: str, visitor_digest: str, said: Comment) -> None:
    """One comment beside an answer; a later one takes its place. Raises NotFound."""
    known = queries.answer_of(session, slug, visitor_digest)
    if known is None:
        raise NotFound
    known.comment = said.comment
