"""For people who write programs: the OpenAPI document, and the same as a page of our own."""

from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from booking.dependencies import settings_of
from booking.errors import NotFound
from booking.web.page import render

router = APIRouter(include_in_schema=False)


@router.get("/api/v1/openapi.json")
def document(request: Request) -> JSONResponse:
    return JSONResponse(_document(request))


@router.get("/api/docs")
def docs(request: Request) -> HTMLResponse:
    operations = sorted(
        (
            _operation(path, method, told)
            for path, methods in _document(request)["paths"].items()
            for method, told in methods.items()
        ),
        key=lambda operation: operation["path"],
    )
    groups = groupby(operations, key=lambda operation: operation["path"].split("/")[3])
    return render(request, "api_docs.html", groups=[(name, list(each)) for name, each in groups])


def _document(request: Request) -> dict[str, Any]:
    """Raises NotFound where the document is not shown."""
    if not settings_of(request).docs_are_open:
        raise NotFound
    found: dict[str, Any] = request.app.openapi()
    return found


def _operation(path: str, method: str, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "path": path,
        "method": method.upper(),
        "summary": told.get("summary", ""),
        "text": told.get("description", ""),
        "parameters": [
            each["name"] for each in told.get("parameters", []) if each["in"] == "query"
        ],
        "answers": ", ".join(code for code in told.get("responses", {}) if code < "400"),
    }
