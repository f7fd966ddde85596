"""Service notices: a page for nobody's business in particular."""

from fastapi import APIRouter, Request, Response

from booking.web.page import render

router = APIRouter(include_in_schema=False)


@router.get("/status")
def notices(request: Request) -> Response:
    return render(request, "status/notices.html")
