"""How a resource of the API begins: below `/api/v1`, with its problems, without card numbers."""

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from booking.api import problem
from booking.api.bodies import no_card_numbers


def resource(prefix: str = "", *, tag: str, route_class: type[APIRoute] = APIRoute) -> APIRouter:
    """Whole from the start: what is added as a router is included builds all its routes again."""
    return APIRouter(
        prefix=f"/api/v1{prefix}",
        tags=[tag],
        route_class=route_class,
        responses=problem.RESPONSES,
        dependencies=[Depends(no_card_numbers)],
    )
