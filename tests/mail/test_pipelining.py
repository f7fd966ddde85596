"""Many messages over one connection: whatever is refused, no answer goes to the wrong message."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from booking.config import Settings
from booking.mail.message import Envelope
from booking.mail.transports import Outcome, Smtp, Stage
from tests import servers
from tests.servers import SmtpSink
from tests.smtp_sink import STORED_AND_CUT_OFF, Rules

HELLO = b"Subject: hello\r\nMessage-ID: <%d@x.example>\r\n\r\n.a dot\r\nends\r\n.\r\n"


@pytest.fixture(scope="module")
def sink() -> Iterator[SmtpSink]:
    with servers.smtp_sink() as started:
        yield started


@pytest.fixture
def transport(sink: SmtpSink, tmp_path: Path) -> Iterator[Smtp]:
    sink.set_rules(Rules())
    opened = Smtp(
        Settings(_env_file=None, data_dir=tmp_path, smtp_url=sink.url, secret_key="pipelining")
    )
    yield opened
    opened.close()


def envelopes(run: str, count: int = 5) -> list[Envelope]:
    return [
        Envelope("us@example.com", f"{run}{number}@example.com", HELLO % number)
        for number in range(count)
    ]


def stages(outcomes: list[Outcome]) -> list[Stage]:
    return [outcome.stage for outcome in outcomes]


def arrived(sink: SmtpSink, run: str) -> list[str]:
    return [to for event in sink.received() for to in event.recipients if to.startswith(run)]


ONE_BY_ONE, PIPELINED, CHUNKED = Rules(pipelining=False), Rules(), Rules(chunking=True)
WAYS = pytest.mark.parametrize(
    "rules", [ONE_BY_ONE, PIPELINED, CHUNKED], ids=["onebyone", "pipelined", "chunked"]
)


@pytest.fixture
def run(request: pytest.FixtureRequest) -> str:
    """What the addresses of this test begin with."""
    return "".join(each for each in request.node.name if each.isalnum())


@WAYS
def test_all_arrive_in_order_and_whole(
    transport: Smtp, sink: SmtpSink, run: str, rules: Rules
) -> None:
    sink.set_rules(rules)
    outcomes = list(transport.send_many(envelopes(run), lambda: True))
    assert stages(outcomes) == [Stage.ACCEPTED] * 5
    assert arrived(sink, run) == [f"{run}{number}@example.com" for number in range(5)]
    last = [event for event in sink.received() if event.recipients[0].startswith(run)][-1]
    assert (sink.folder / last.file).read_bytes() == HELLO % 4


@WAYS
@pytest.mark.parametrize("at", ["at_rcpt", "at_data"])
def test_a_refusal_is_told_of_its_own_message_alone(
    transport: Smtp, sink: SmtpSink, run: str, rules: Rules, at: str
) -> None:
    answers = {
        f"{run}0@example.com": "550 5.1.1 no such user",
        f"{run}2@example.com": "451 4.7.1 later",
        f"{run}3@example.com": "550 5.1.1 nobody",
    }
    by_rcpt, by_data = replace(rules, at_rcpt=answers), replace(rules, at_data=answers)
    sink.set_rules(by_rcpt if at == "at_rcpt" else by_data)
    outcomes = list(transport.send_many(envelopes(run), lambda: True))
    assert stages(outcomes) == [
        Stage.REFUSED, Stage.ACCEPTED, Stage.DELAYED, Stage.REFUSED, Stage.ACCEPTED,
    ]  # fmt: skip
    assert [outcome.code for outcome in outcomes] == [550, 250, 451, 550, 250]
    assert arrived(sink, run) == [f"{run}1@example.com", f"{run}4@example.com"]


def test_a_connection_lost_after_the_dot_leaves_that_one_unknown_and_the_rest_untried(
    transport: Smtp, sink: SmtpSink
) -> None:
    sink.set_rules(Rules(at_data={"cut2@example.com": STORED_AND_CUT_OFF}))
    outcomes = list(transport.send_many(envelopes("cut"), lambda: True))
    assert stages(outcomes) == [Stage.ACCEPTED, Stage.ACCEPTED, Stage.UNKNOWN]
    rest = list(transport.send_many(envelopes("cut")[3:], lambda: True))
    assert stages(rest) == [Stage.ACCEPTED] * 2, "a new connection is made"


def test_a_connection_lost_among_chunks_leaves_all_in_doubt_that_had_no_answer(
    transport: Smtp, sink: SmtpSink, run: str
) -> None:
    cut = {f"{run}2@example.com": STORED_AND_CUT_OFF}
    sink.set_rules(replace(CHUNKED, at_data=cut, times=dict.fromkeys(cut, 1)))
    outcomes = list(transport.send_many(envelopes(run), lambda: True))
    assert stages(outcomes) == [Stage.ACCEPTED] * 2 + [Stage.UNKNOWN] * 3
    sink.set_rules(replace(CHUNKED, at_data={f"{run}1@example.com": STORED_AND_CUT_OFF}))
    outcomes = list(transport.send_many(envelopes(run), lambda: True))
    assert stages(outcomes) == [Stage.ACCEPTED, Stage.UNKNOWN], "it is trusted with no more at once"


@pytest.mark.parametrize("rules", [PIPELINED, CHUNKED], ids=["pipelined", "chunked"])
def test_a_connection_that_ended_meanwhile_is_replaced_and_nobody_is_in_doubt(
    transport: Smtp, sink: SmtpSink, run: str, rules: Rules
) -> None:
    sink.set_rules(rules)
    before = list(transport.send_many(envelopes(f"{run}before", 1), lambda: True))
    assert stages(before) == [Stage.ACCEPTED]
    sink.kill()
    sink.start()
    assert list(transport.send_many(envelopes(run), lambda: True)) == []
    outcomes = list(transport.send_many(envelopes(run), lambda: True))
    assert stages(outcomes) == [Stage.ACCEPTED] * 5


def test_nothing_follows_a_repeat_until_its_answer_is_in(
    transport: Smtp, sink: SmtpSink, run: str
) -> None:
    sink.set_rules(replace(CHUNKED, at_data={f"{run}1@example.com": STORED_AND_CUT_OFF}))
    repeats = [replace(each, is_repeat=True) for each in envelopes(run)]
    outcomes = list(transport.send_many(repeats, lambda: True))
    assert stages(outcomes) == [Stage.ACCEPTED, Stage.UNKNOWN]


@pytest.mark.parametrize("rules", [PIPELINED, CHUNKED], ids=["pipelined", "chunked"])
def test_a_server_that_has_had_enough_is_left_at_once(
    transport: Smtp, sink: SmtpSink, run: str, rules: Rules
) -> None:
    enough = {f"{run}1@example.com": "421 4.7.0 too many messages"}
    sink.set_rules(replace(rules, at_data=enough))
    outcomes = list(transport.send_many(envelopes(run), lambda: True))
    assert [outcome.code for outcome in outcomes] == [250, 421]
    assert outcomes[1].stage is Stage.DELAYED


@WAYS
def test_a_server_that_says_farewell_has_heard_of_no_more(
    transport: Smtp, sink: SmtpSink, run: str, rules: Rules
) -> None:
    sink.set_rules(replace(rules, per_connection=2, farewell="421 4.7.0 enough for today"))
    everybody, told = envelopes(run), list[Stage]()
    while len(told) < len(everybody):
        told += stages(list(transport.send_many(everybody[len(told) :], lambda: True)))
    assert told == [Stage.ACCEPTED] * 5
    assert sorted(arrived(sink, run)) == [each.to for each in everybody], "each of them once"


@WAYS
def test_it_stops_between_two_messages_when_told_to(
    transport: Smtp, sink: SmtpSink, run: str, rules: Rules
) -> None:
    sink.set_rules(rules)
    leave = iter([True, False])
    outcomes = list(transport.send_many(envelopes(run), lambda: next(leave)))
    assert stages(outcomes) == [Stage.ACCEPTED] * 2
    assert len(arrived(sink, run)) == 2
    more = list(transport.send_many(envelopes(f"{run}more", 1), lambda: True))
    assert stages(more) == [Stage.ACCEPTED], "the connection is as good as new"


def test_nobody_there_is_found_out_once(tmp_path: Path) -> None:
    nowhere = Settings(
        _env_file=None, data_dir=tmp_path, smtp_url="smtp://127.0.0.1:9", secret_key="nowhere"
    )
    outcomes = list(Smtp(nowhere).send_many(envelopes("none"), lambda: True))
    assert stages(outcomes) == [Stage.UNREACHABLE]
