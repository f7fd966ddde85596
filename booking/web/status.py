"""Pages for nobody's business in particular: help."""

from fastapi import APIRouter, Request, Response

from booking.web.page import render

router = APIRouter(include_in_schema=False)


@router.get("/help")
def help_page(request: Request) -> Response:
    return render(request, "status/help.html")
