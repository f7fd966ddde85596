"""Pages: how one is rendered, how a form is read, and what a refusal looks like to people."""

import functools
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, unquote

import jinja2
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from booking import clock, errors
from booking.errors import Refusal
from booking.help import queries as help_queries
from booking.mail.message import say_money, say_when
from booking.matching import queries as matching
from booking.web.visitor import Visitor, VisitorKind

STATIC = Path(__file__).parent / "static"
_FLASH = "flash"

TITLES: tuple[tuple[type[Refusal], int, str], ...] = (
    (errors.NotFound, 404, "There is nothing here"),
    (errors.NotAllowed, 403, "This is not for you"),
    (errors.SignInNeeded, 401, "Please sign in"),
    (errors.Conflict, 409, "That does not work any more"),
    (errors.Invalid, 422, "Please check what you typed"),
    (errors.Expired, 410, "This link is no longer valid"),
    (errors.TooOften, 429, "Please wait a little"),
    (errors.Overloaded, 503, "We are very busy just now"),
)


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    visitor: Visitor | None = None,
    **context: Any,
) -> HTMLResponse:
    """The page. `visitor` brings the business, its navigation and who is signed in."""
    values: dict[str, Any] = {
        "request": request,
        "errors": (),
        "flash": _take_flash(request),
        "explained": help_queries.for_page(request.url.path),
    }
    if visitor is not None:
        values |= _frame(request, visitor)
    html = _templates().get_template(template).render({**values, **context})
    response = HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})
    if values["flash"]:
        response.delete_cookie(_FLASH, path="/")
    return response


def refuse(request: Request, refusal: Refusal) -> HTMLResponse:
    """The page for a refusal that no form could show beside its field."""
    status, title = status_and_title(refusal)
    response = render(request, "error.html", status=status, title=title, text=refusal.message)
    retry_after = getattr(refusal, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def lost(request: Request, error: HTTPException | None = None) -> HTMLResponse:
    """The page for what no verb refused: an address that leads nowhere, a body too large."""
    status = error.status_code if error else 404
    title, text = {
        400: ("That can’t be read", "The page sent something we can’t read. Please try again."),
        404: ("There is nothing here", "The address may be mistyped, or what was here is gone."),
        405: ("That does not work here", "This page can only be looked at. Please go back."),
        413: ("That is too large", "Please send a smaller file: 32 MB at the most."),
        500: ("Something went wrong", "That was our fault, and it is noted. Please try again."),
    }.get(status, ("That is not possible", "Please go back and try again."))
    return render(request, "error.html", status=status, title=title, text=text)


def status_and_title(refusal: Refusal) -> tuple[int, str]:
    for kind, status, title in TITLES:
        if isinstance(refusal, kind):
            return status, title
    return 400, "That is not possible"


def redirect(path: str, *, flash: str = "", kind: str = "success") -> RedirectResponse:
    """After a form: 303, so that going back or reloading sends nothing twice."""
    response = RedirectResponse(path, status_code=303)
    if flash:
        response.set_cookie(
            _FLASH, quote(f"{kind}:{flash}"), max_age=60, path="/", httponly=True, samesite="lax"
        )
    return response


def local_path(wanted: str, otherwise: str) -> str:
    """Where to go next: only a path of our own, whatever `next=` says."""
    is_local = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    is_plain = all(" " < character <= "~" and character != "\\" for character in wanted)
    return wanted if is_local and is_plain else otherwise


@dataclass(frozen=True, slots=True)
class SentForm:
    """What a form sent. Every value is text; a field that was not sent is empty."""

    data: FormData

    def text(self, name: str) -> str:
        value = self.data.get(name)
        return value.strip() if isinstance(value, str) else ""

    def raw(self, name: str) -> str:
        """As typed, spaces included: for passwords."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"1", "on", "yes", "true"}

    def all(self, name: str) -> list[str]:
        return [value for value in self.data.getlist(name) if isinstance(value, str)]

    def file(self, name: str) -> UploadFile | None:
        value = self.data.get(name)
        return value if isinstance(value, UploadFile) else None

    def texts(self) -> dict[str, str]:
        return {name: value for name, value in self.data.items() if isinstance(value, str)}


async def _read_form(request: Request) -> AsyncIterator[SentForm]:
    """Uploaded files are open as long as the request goes on."""
    async with request.form(max_files=2, max_fields=2000) as data:
        yield SentForm(data)


Form = Annotated[SentForm, Depends(_read_form)]


def _frame(request: Request, visitor: Visitor) -> dict[str, Any]:
    business = visitor.business
    if visitor.kind is VisitorKind.STAFF:
        account = visitor.signed_in
        return {
            "business": business,
            "visitor": visitor,
            "nav": _navigation(request, visitor),
            "member_name": account.name or account.email,
            "sign_out_url": "/manage/sign-out",
            "theme_url": f"/{business.slug}/theme.css?{business.accent[1:]}",
        }
    return {
        "business": business,
        "visitor": visitor,
        "signed_in": visitor.account is not None,
        "accounts_open": visitor.preferences.client_settings.allow_client_online_account_access,
        "theme_url": f"/{business.slug}/theme.css?{business.accent[1:]}",
    }


_MANAGE_PAGES = (
    ("Today", ""),
    ("Appointments", "/appointments"),
    ("Clients", "/clients"),
    ("Matches", "/matches"),
    ("Services", "/services"),
    ("Staff", "/staff"),
    ("Hours", "/hours"),
    ("Members", "/members"),
    ("Booking Preferences", "/preferences"),
    ("Audit", "/audit"),
)


# Pages that are reached from one of these, and have no entry of their own.
_BELOW = {
    "": ("/set-up", "/details"),
    "/clients": ("/campaigns", "/imports"),
    "/matches": ("/duplicates", "/merges"),
}


def _places(home: str, path: str) -> tuple[str, ...]:
    return (f"{home}{path}", *(f"{home}{other}" for other in _BELOW.get(path, ())))


def _navigation(request: Request, visitor: Visitor) -> list[tuple[str, str, bool, int | None]]:
    home = f"/manage/{visitor.business.slug}"
    here = request.url.path.rstrip("/")
    waiting = {"/matches": matching.counts(visitor.session).matches}
    return [
        (
            label,
            f"{home}{path}",
            here in _places(home, path) if not path else here.startswith(_places(home, path)),
            waiting.get(path) or None,
        )
        for label, path in _MANAGE_PAGES
    ]


def _take_flash(request: Request) -> list[tuple[str, str]]:
    kind, separator, text = unquote(request.cookies.get(_FLASH, "")).partition(":")
    return (
        [(kind if kind in {"success", "info", "error", "warning"} else "success", text[:500])]
        if (separator)
        else []
    )


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("booking.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_url
    environment.filters |= {
        "day": say_day,
        "time": say_time,
        "when": say_when,
        "money": say_money,
        "ago": say_ago,
        "duration": say_duration,
        "counted": say_count,
        "local": clock.to_local,
    }
    return environment


@functools.cache
def static_url(name: str) -> str:
    """With a mark of its content, so that browsers may keep it for good."""
    mark = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?{mark}"


def say_day(moment: datetime, zone_name: str) -> str:
    local = clock.to_local(moment, zone_name)
    return f"{local:%a} {local.day} {local:%b}"


def say_time(moment: datetime, zone_name: str) -> str:
    local = clock.to_local(moment, zone_name)
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def say_ago(moment: datetime) -> str:
    """How long ago, in the largest whole unit."""
    seconds = max(0, int((clock.now() - moment).total_seconds()))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def say_count(number: int, most: int = 1_000) -> str:
    """`1,000+` where counting ended there."""
    return f"{number:,}{'+' if number >= most else ''}"


def say_duration(minutes: int) -> str:
    """`45 min`, `1 h`, `2 h 15 min`."""
    hours, rest = divmod(minutes, 60)
    return " ".join(filter(None, (f"{hours} h" if hours else "", f"{rest} min" if rest else "")))
