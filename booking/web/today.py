"""Today, as the people behind the counter begin it: the diary, what waits for a decision, what is
left to set up."""

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.appointments import queries
from booking.appointments.queries import DiaryFilter
from booking.matching import queries as matching
from booking.web.appointments import SHOWN, home, page_of
from booking.web.diary import title_of
from booking.web.page import render
from booking.web.setup import set_up_steps
from booking.web.visitor import MemberReads

router = APIRouter(include_in_schema=False)


@router.get("/manage/{slug}")
def today(request: Request, visitor: MemberReads) -> Response:
    session, page = visitor.session, page_of(visitor)
    since, until = page.edges(page.today)
    visits = queries.diary(session, DiaryFilter(since, until))
    steps = set_up_steps(visitor)
    day = clock.to_local(page.now, page.zone)
    return render(
        request,
        "today/today.html",
        visitor=visitor,
        home=home(visitor),
        day=f"{day:%A} {day.day} {day:%B}",
        now=page.now,
        visits=[visit for visit in visits if visit.state in SHOWN],
        staff=queries.staff_names(session),
        waiting=queries.waiting(session),
        unclaimed=queries.without_client(session, page.now),
        numbers=queries.summary(session, page.now),
        matches=matching.counts(session).matches,
        steps=steps if any(not step.done for step in steps) else [],
        title_of=title_of,
    )
