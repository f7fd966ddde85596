"""The articles themselves: their links lead somewhere, and who needs one finds it."""

import re

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from booking.help import queries
from booking.help.rules import search

ARTICLES = queries.articles()


def test_their_links_lead_somewhere_of_ours() -> None:
    known = {f"/help/{article.slug}" for article in ARTICLES} | {"/status"}
    links = {
        f"{article.slug}: {link}"
        for article in ARTICLES
        for link in re.findall(r"\]\(([^)]*)\)", article.text)
        if link not in known
    }
    assert links == set()


def test_what_an_article_explains_is_a_page(app: FastAPI) -> None:
    paths = {each.path or "" for each in iter_route_contexts(app.routes)}
    pages = [re.sub(r"\{[^}]*\}", "*", path).split("/") for path in paths]
    dead = [
        f"{article.slug}: {pattern}"
        for article in ARTICLES
        for pattern in article.explains
        if not any(page[: pattern.count("/") + 1] == pattern.split("/") for page in pages)
    ]
    assert dead == []


@pytest.mark.parametrize(
    ("asked", "best"),
    [
        ("update card", "account-and-card"),
        ("cancel my visit", "change-a-visit"),
        ("envelope", "invite-everyone"),
        ("merge", "merge-duplicates"),
        ("serial number", "register-the-program"),
        ("holidays", "services-staff-hours"),
        ("forgotten password", "sign-in-and-passwords"),
        ("online access YES", "turn-on-client-access"),
        ("import excel", "import-a-list"),
    ],
)
def test_who_asks_in_plain_words_finds_it(asked: str, best: str) -> None:
    assert best in [each.article.slug for each in search(ARTICLES, asked)][:2]


@pytest.mark.parametrize("asked", ["", "%_ *", "qwertzuiop"])
def test_nothing_is_found_for_nothing(asked: str) -> None:
    assert search(ARTICLES, asked) == []


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/manage/happy-paws/clients/invite", "invite-everyone"),
        ("/manage/happy-paws/clients/1/merge", "merge-duplicates"),
        ("/manage/happy-paws/clients/1", "clients-and-pets"),
        ("/manage/happy-paws", "set-up-your-site"),
        ("/happy-paws/book/when", "book-a-visit"),
        ("/happy-paws", None),
        ("/", None),
    ],
)
def test_a_page_is_explained_by_the_closest_article(path: str, slug: str | None) -> None:
    article = queries.for_page(path)
    assert (article and article.slug) == slug
