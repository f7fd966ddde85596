"""How an article is read from its file, which one explains a page, and which ones answer a search.

An article is a text file: a few headers (RFC 5322, section 2.2), an empty line, and Markdown
(CommonMark) that begins with the paragraph shown in lists.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.parser import Parser
from enum import StrEnum

_WORD = re.compile(r"\w+")
_MARKS = re.compile(r"[*_`#>]|\[(?=[^\]]*\]\()|\]\([^)]*\)|^\s*(?:[-+]|\d+\.)\s", re.MULTILINE)
_IN_TITLE, _IN_SUMMARY, _IN_HEADING, _IN_TEXT = 8, 4, 3, 1
_LONGEST_QUERY_WORDS = 8


class Reader(StrEnum):
    PET_OWNERS = "pet owners"
    BUSINESS = "business"


@dataclass(frozen=True, slots=True)
class Article:
    """`explains`: paths of the pages it is about, with `*` for what differs; what lies below
    such a path is explained too."""

    slug: str
    title: str
    reader: Reader
    order: int
    explains: tuple[str, ...]
    text: str

    @property
    def summary(self) -> str:
        return plain(self.text.partition("\n\n")[0])

    @property
    def headings(self) -> str:
        return " ".join(re.findall(r"^#+ (.+)$", self.text, re.MULTILINE))


@dataclass(frozen=True, slots=True)
class Found:
    article: Article
    excerpt: str


def read_article(slug: str, file: str) -> Article:
    """Raises KeyError or ValueError for a file that lacks a header."""
    message = Parser().parsestr(file)
    return Article(
        slug,
        message["Title"],
        Reader(message["For"]),
        int(message["Order"]),
        tuple(message.get("Explains", "").split()),
        str(message.get_payload()).strip(),
    )


def explaining(articles: Iterable[Article], path: str) -> Article | None:
    """The one about this page: of several, the one that names it most closely."""
    here = path.strip("/").split("/")
    found = [
        (_closeness(pattern), article)
        for article in articles
        for pattern in article.explains
        if _covers(pattern.strip("/").split("/"), here)
    ]
    return max(found, key=lambda each: each[0])[1] if found else None


def search(articles: Sequence[Article], query: str) -> list[Found]:
    """The best first: those that have more of the words, then those that have them in the title.
    Every word counts as a beginning, so that `cancel` finds `cancelling`."""
    words = list(dict.fromkeys(_words(query)))[:_LONGEST_QUERY_WORDS]
    scored = [(_score(article, words), article) for article in articles]
    best = sorted((each for each in scored if each[0] > (0, 0)), key=_rank, reverse=True)
    return [Found(article, _excerpt(article, words)) for _, article in best]


def plain(markdown: str) -> str:
    return " ".join(_MARKS.sub("", markdown).split())


def _covers(pattern: list[str], here: list[str]) -> bool:
    return len(pattern) <= len(here) and all(
        wanted in ("*", part) for wanted, part in zip(pattern, here, strict=False)
    )


def _closeness(pattern: str) -> tuple[int, int]:
    parts = pattern.strip("/").split("/")
    return len(parts), sum(part != "*" for part in parts)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _score(article: Article, words: Sequence[str]) -> tuple[int, int]:
    places = (
        (_IN_TITLE, _words(article.title)),
        (_IN_SUMMARY, _words(article.summary)),
        (_IN_HEADING, _words(article.headings)),
        (_IN_TEXT, _words(article.text)),
    )
    points = [sum(worth * _fit(word, said) for worth, said in places) for word in words]
    return sum(point > 0 for point in points), sum(points)


def _fit(word: str, said: Sequence[str]) -> int:
    """2 where the word itself stands, 1 where one begins with it."""
    return 2 if word in said else int(any(each.startswith(word) for each in said))


def _rank(each: tuple[tuple[int, int], Article]) -> tuple[tuple[int, int], int]:
    score, article = each
    return score, -article.order


def _excerpt(article: Article, words: Sequence[str]) -> str:
    """The first paragraph that says one of the words, else how the article begins."""
    paragraphs = [plain(each) for each in article.text.split("\n\n") if not each.startswith("#")]
    return next(
        (
            each
            for each in paragraphs
            if any(said.startswith(word) for said in _words(each) for word in words)
        ),
        article.summary,
    )
