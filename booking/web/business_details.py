"""What a business says of itself, and the colour its pages wear."""

import functools
from typing import Any

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.businesses.actions import opening
from booking.businesses.rules import BusinessDetails, contrast
from booking.errors import Invalid
from booking.web.page import Form, redirect, render
from booking.web.visitor import ManagerReads, ManagerWrites, SiteReads, Visitor

router = APIRouter(include_in_schema=False, tags=["business"])

# The grounds of site.css that are hardest to read on, and its darkest ink.
_LIGHT_GROUND, _DARK_GROUND = "#f3f0ea", "#2a2723"
_WHITE, _INK = "#ffffff", "#181614"
_READABLE = 4.5


@router.get("/manage/{slug}/details")
def show(visitor: ManagerReads, request: Request) -> Response:
    now = {name: getattr(visitor.business, name) for name in BusinessDetails.model_fields}
    return _page(visitor, request, now)


@router.post("/manage/{slug}/details")
def save(visitor: ManagerWrites, request: Request, form: Form) -> Response:
    typed = {name: form.text(name) for name in BusinessDetails.model_fields}
    try:
        opening.change_details(visitor.session, visitor.business, typed, by=visitor.actor)
    except Invalid as refusal:
        visitor.session.rollback()
        return _page(visitor, request, typed, status=422, errors=refusal.fields)
    return redirect(f"/manage/{visitor.business.slug}/details", flash="Your details are saved.")


@router.get("/{slug}/theme.css")
def theme(visitor: SiteReads) -> Response:
    """The address carries the colour, so browsers may keep it."""
    return Response(
        _theme(visitor.business.accent),
        media_type="text/css",
        headers={"Cache-Control": "public, max-age=86400"},
    )


def _page(
    visitor: Visitor, request: Request, values: dict[str, Any], *, status: int = 200, **more: Any
) -> Response:
    return render(
        request,
        "details/show.html",
        visitor=visitor,
        status=status,
        values=values,
        zones=[
            (name, name.replace("_", " "))
            for name in sorted({*_zones(), str(values.get("timezone") or "UTC")})
        ],
        **more,
    )


@functools.cache
def _zones() -> list[str]:
    """Places. `Etc/GMT+5`, which is five hours behind, would only mislead."""
    names = (name for name in clock.zone_names() if "/" in name or name == "UTC")
    return [name for name in sorted(names) if not name.startswith("Etc/")]


@functools.lru_cache(maxsize=512)
def _theme(accent: str) -> str:
    light = _readable(accent, _LIGHT_GROUND, _INK)
    dark = _readable(accent, _DARK_GROUND, _WHITE)
    return (
        f":root{{--accent:{light};--accent-ink:{_ink_on(light)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{--accent:{dark};"
        f"--accent-ink:{_ink_on(dark)}}}}}\n"
    )


def _readable(colour: str, ground: str, towards: str) -> str:
    """The colour, moved towards ink or white until it can be read on that ground."""
    for part in range(0, 101, 5):
        mixed = _mixed(colour, towards, part / 100)
        if contrast(mixed, ground) >= _READABLE:
            return mixed
    return towards


def _mixed(colour: str, towards: str, share: float) -> str:
    pairs = ((int(one[at : at + 2], 16) for one in (colour, towards)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _ink_on(colour: str) -> str:
    return max((_WHITE, _INK), key=lambda ink: contrast(ink, colour))
