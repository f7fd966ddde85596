"""Help: the articles, a search through them, and whether they helped."""

import functools
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from markdown_it import MarkdownIt

from booking.dependencies import Reading, Writing, client_ip, settings_of
from booking.errors import Invalid, NotFound
from booking.help import actions, queries
from booking.help.actions import Comment
from booking.help.rules import Article, Reader, search
from booking.rate_limit import Limit, Limiter
from booking.tokens import Purpose, keyring, make_secret
from booking.web.page import Form, redirect, render
from booking.web.typed import typed
from booking.web.visitor import OperatorReads, set_cookie

router = APIRouter(include_in_schema=False)

_REMEMBERED_DAYS = 365


@router.get("/help")
def overview(request: Request, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    asked = q.strip()
    return render(
        request,
        "help/list.html",
        q=asked,
        found=search(queries.articles(), asked) if asked else (),
        groups=[(reader, _of(queries.articles(), reader)) for reader in Reader],
    )


def _of(articles: Sequence[Article], reader: Reader) -> list[Article]:
    return [each for each in articles if each.reader is reader]


@router.get("/help/{name}")
def one(request: Request, session: Reading, name: str) -> Response:
    return _page(request, session, _known(name))


@router.post("/help/{name}")
def answer(request: Request, session: Writing, name: str, form: Form) -> Response:
    """Whether it helped, or a comment to that answer."""
    article = _known(name)
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.ANSWER_IP, client_ip(request))
    if form.text("helpful"):
        return _count(request, session, article.slug, form.flag("helpful"))
    try:
        actions.comment(session, article.slug, _digest(request), typed(Comment, form.texts()))
    except Invalid as refusal:
        session.rollback()
        return _page(request, session, article, refusal, form.text("comment"))
    return redirect(
        f"/help/{article.slug}#helpful", flash="Thank you. That helps us to say it better."
    )


@router.get("/operator/help")
def readers(operator: OperatorReads, request: Request) -> Response:
    return render(
        request,
        "help/readers.html",
        tallies=queries.tallies(operator.session),
        operator_name=operator.account.name or operator.account.email,
    )


def _page(
    request: Request,
    session: Reading,
    article: Article,
    refusal: Invalid | None = None,
    comment: str = "",
) -> Response:
    answered = queries.answer_of(session, article.slug, _digest(request))
    return render(
        request,
        "help/article.html",
        status=422 if refusal else 200,
        article=article,
        html=_html(article.text),
        answer=answered,
        comment=comment or (answered.comment if answered else ""),
        errors=refusal.fields if refusal else (),
    )


def _count(request: Request, session: Reading, slug: str, helpful: bool) -> Response:
    """A visitor is a browser: its cookie says nothing else of whoever reads."""
    secret = request.cookies.get(_cookie(request)) or make_secret()
    actions.say_whether_helpful(session, slug, _digest(request, secret), helpful)
    response = redirect(f"/help/{slug}#helpful")
    set_cookie(response, request, _cookie(request), secret, _REMEMBERED_DAYS)
    return response


def _cookie(request: Request) -> str:
    return "__Host-reader" if settings_of(request).production else "reader"


def _digest(request: Request, secret: str = "") -> str:
    secret = secret or request.cookies.get(_cookie(request), "")
    return keyring(settings_of(request).secret).digest(Purpose.READER, secret)


def _known(slug: str) -> Article:
    found = queries.article(slug)
    if found is None:
        raise NotFound
    return found


@functools.cache
def _html(text: str) -> str:
    """Raw HTML in an article is shown as text, and addresses of scripts are no links."""
    return str(MarkdownIt("commonmark", {"html": False}).render(text))
