"""The articles, and what their readers said."""

import functools
from dataclasses import dataclass
from importlib import resources

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from booking.help import rules
from booking.help.models import HelpAnswer
from booking.help.rules import Article

MOST_COMMENTS = 20


@dataclass(frozen=True, slots=True)
class Tally:
    """What readers said of one article, with the latest comments of those it did not help."""

    article: Article
    helped: int
    failed: int
    comments: tuple[str, ...]

    @property
    def share_failed(self) -> float:
        return self.failed / (self.helped + self.failed)


@functools.cache
def articles() -> tuple[Article, ...]:
    folder = resources.files("booking.help") / "articles"
    found = [
        rules.read_article(file.name.removesuffix(".md"), file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".md")
    ]
    readers = list(rules.Reader)
    return tuple(sorted(found, key=lambda each: (readers.index(each.reader), each.order)))


def article(slug: str) -> Article | None:
    return next((each for each in articles() if each.slug == slug), None)


def for_page(path: str) -> Article | None:
    return rules.explaining(articles(), path)


def answer_of(session: Session, slug: str, visitor_digest: str) -> HelpAnswer | None:
    return session.scalar(
        select(HelpAnswer).where(
            HelpAnswer.article == slug, HelpAnswer.visitor_digest == visitor_digest
        )
    )


def tallies(session: Session) -> list[Tally]:
    """Of every article that somebody answered for, the one that fails its readers most first."""
    counted = session.execute(
        select(
            HelpAnswer.article,
            func.sum(case((HelpAnswer.was_helpful, 1), else_=0)),
            func.sum(case((HelpAnswer.was_helpful, 0), else_=1)),
        ).group_by(HelpAnswer.article)
    )
    found = [
        Tally(known, helped, failed, _comments(session, slug))
        for slug, helped, failed in counted
        if (known := article(slug)) is not None
    ]
    return sorted(found, key=lambda each: (-each.share_failed, -each.failed, each.article.title))


def _comments(session: Session, slug: str) -> tuple[str, ...]:
    return tuple(
        session.scalars(
            select(HelpAnswer.comment)
            .where(HelpAnswer.article == slug, HelpAnswer.comment != "")
            .order_by(HelpAnswer.answered_at.desc())
            .limit(MOST_COMMENTS)
        )
    )
