"""Refusals as RFC 9457 problems. Status codes are decided here and nowhere else in the API."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from booking import errors
from booking.errors import FieldError, Refusal

TYPE_BASE = "https://booking.invalid/problems/"

STATUSES: tuple[tuple[type[Refusal], int], ...] = (
    (errors.NotFound, 404),
    (errors.NotAllowed, 403),
    (errors.SignInNeeded, 401),
    (errors.PaymentNeeded, 402),
    (errors.Conflict, 409),
    (errors.Invalid, 422),
    (errors.Expired, 410),
    (errors.TooOften, 429),
    (errors.Unavailable, 503),
    (errors.Overloaded, 503),
)


class Problem(BaseModel):
    """What every error answer looks like (for the OpenAPI document)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[dict[str, str]] | None = None


PROBLEM = "application/problem+json"
# By its name: given as a model it would be compiled anew for each status of each operation, a
# second's work before the first answer.
_CONTENT = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": _CONTENT}
    for status, text in {
        400: "The request can't be understood",
        401: "Sign in first",
        402: "Something is to be paid first",
        403: "Not allowed",
        404: "Not found",
        409: "In conflict with what is there",
        410: "No longer valid",
        413: "Too large",
        422: "Something typed can't be used",
        429: "Too often",
        503: "Too busy, or closed for maintenance",
    }.items()
}


def status_of(refusal: Refusal) -> int:
    status = getattr(refusal, "status", None)
    if isinstance(status, int):
        return status
    return next((code for kind, code in STATUSES if isinstance(refusal, kind)), 400)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    fields: tuple[FieldError, ...] = (),
    headers: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> JSONResponse:
    body: dict[str, Any] = {
        "type": f"{TYPE_BASE}{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        **(extra or {}),
    }
    if fields or status == 422:
        body["errors"] = [
            {"field": error.field, "code": error.code, "message": error.message} for error in fields
        ]
    return JSONResponse(
        body,
        status_code=status,
        media_type=PROBLEM,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def of_refusal(refusal: Refusal) -> JSONResponse:
    headers = {}
    retry_after = getattr(refusal, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if isinstance(refusal, errors.SignInNeeded):
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        status_of(refusal),
        refusal.code,
        refusal.message,
        fields=refusal.fields,
        headers=headers,
        extra=refusal.extra,
    )


def of_http(error: HTTPException) -> JSONResponse:
    words = {
        400: ("bad_request", "The request can't be understood."),
        404: ("not_found", errors.NotFound.message),
        405: ("method_not_allowed", "This address does not take that method."),
        413: ("too_large", "That is too large."),
        415: ("unsupported_media_type", "Send JSON."),
    }
    code, detail = words.get(error.status_code, ("refused", "That is not possible."))
    return problem(error.status_code, code, detail, headers=dict(error.headers or {}))


def of_validation(error: RequestValidationError | ValidationError) -> JSONResponse:
    """Never with what was typed in it: FastAPI's own answer echoes passwords."""
    found = list(error.errors())
    if any(entry["type"] == "json_invalid" for entry in found):
        return problem(400, "invalid_json", "The body is not valid JSON.")
    return of_refusal(errors.Invalid(fields=field_errors(found)))


def field_errors(found: list[Any]) -> tuple[FieldError, ...]:
    """Pydantic's findings as ours: where, what kind, and a sentence."""
    return tuple(
        FieldError(_path(entry["loc"]), str(entry["type"]), _sentence(entry)) for entry in found
    )


def _path(location: tuple[int | str, ...]) -> str:
    parts = location[1:] if location and location[0] in _PLACES else location
    return ".".join(str(part) for part in parts) or "body"


_PLACES = {"body", "query", "path", "header", "cookie"}


def _sentence(entry: Any) -> str:
    context = entry.get("ctx") or {}
    match entry["type"]:
        case "missing":
            return "This is needed."
        case "string_too_long":
            return f"Use at most {context['max_length']} characters."
        case "string_too_short":
            return "This is needed."
        case "too_short":
            return f"Give at least {context['min_length']}."
        case "too_long":
            return f"Give at most {context['max_length']}."
        case "extra_forbidden":
            return "This field is not known here."
        case "string_type":
            return "This must be text."
        case "uuid_parsing" | "uuid_type":
            return "This is not an id."
        case "value_error":
            return str(context.get("error", "This can't be used."))
        case _:
            return str(entry["msg"])


def install(app: FastAPI) -> None:
    """The handler of last resort stands in main: it serves pages too."""
    app.add_exception_handler(RequestValidationError, lambda _r, e: of_validation(e))


def is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")
