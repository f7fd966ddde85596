"""What is mailed to prove a mailbox: used once, by one, until something newer takes its place."""

import threading
import uuid
from collections import Counter

import pytest

from booking.accounts.actions.proofs import (
    WRONG_CODES_ALLOWED,
    ProofExpired,
    ProofReplaced,
    ProofUsed,
    WrongCode,
    end_proofs,
    peek_link,
    prove,
    redeem_code,
    redeem_link,
)
from booking.accounts.models import Proof
from booking.database import new_id
from booking.errors import Refusal
from booking.tokens import Purpose, keyring
from tests.site import Site
from tests.times import Clock

RESET = Purpose.PASSWORD_RESET
CODE = Purpose.SIGN_IN_CODE
ADDRESS = "kim.cold@example.com"


def _mailed(site: Site, purpose: Purpose, subject_id: uuid.UUID | None = None) -> uuid.UUID:
    with site.writing() as session:
        return prove(
            session,
            purpose,
            subject_id=subject_id or new_id(),
            email=ADDRESS,
            business_id=site.world.salon.id,
            minutes=10,
        ).id


def _link(site: Site, purpose: Purpose, proof_id: uuid.UUID) -> str:
    return keyring(site.settings.secret).derive(purpose, proof_id)


def _use(site: Site, purpose: Purpose, secret: str) -> Proof | Refusal:
    with site.writing() as session:
        return redeem_link(session, purpose, secret)


def _type(site: Site, code: str) -> Proof | Refusal:
    with site.writing() as session:
        return redeem_code(
            session, CODE, email_key=ADDRESS, business_id=site.world.salon.id, code=code
        )


def _other(code: str, number: int = 1) -> str:
    return f"{(int(code) + number) % 1_000_000:06d}"


def test_a_link_works_once(site: Site) -> None:
    secret = _link(site, RESET, _mailed(site, RESET))
    assert isinstance(_use(site, RESET, secret), Proof)
    assert isinstance(_use(site, RESET, secret), ProofUsed)


def test_looking_does_not_use_it(site: Site) -> None:
    secret = _link(site, RESET, _mailed(site, RESET))
    for _ in range(20):
        with site.reading() as session:
            assert peek_link(session, RESET, secret).email == ADDRESS
    assert isinstance(_use(site, RESET, secret), Proof)


def test_of_many_at_once_one_uses_it(site: Site) -> None:
    secret = _link(site, RESET, _mailed(site, RESET))
    outcomes: Counter[str] = Counter()
    together = threading.Barrier(12)

    def use() -> None:
        together.wait()
        outcomes[type(_use(site, RESET, secret)).__name__] += 1

    threads = [threading.Thread(target=use) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"Proof": 1, "ProofUsed": 11}


def test_time_ends_it(site: Site, clock: Clock) -> None:
    secret = _link(site, RESET, _mailed(site, RESET))
    clock.move(minutes=11)
    assert isinstance(_use(site, RESET, secret), ProofExpired)


def test_a_newer_one_replaces_it(site: Site) -> None:
    subject_id = new_id()
    older = _link(site, RESET, _mailed(site, RESET, subject_id))
    newer = _link(site, RESET, _mailed(site, RESET, subject_id))
    assert isinstance(_use(site, RESET, older), ProofReplaced)
    assert isinstance(_use(site, RESET, newer), Proof)


def test_what_it_proves_for_may_end_it(site: Site) -> None:
    subject_id = new_id()
    secret = _link(site, RESET, _mailed(site, RESET, subject_id))
    with site.writing() as session:
        end_proofs(session, subject_id)
    assert isinstance(_use(site, RESET, secret), ProofReplaced)


@pytest.mark.parametrize("purpose", [each for each in Purpose if each is not RESET])
def test_a_link_of_one_purpose_opens_no_other(site: Site, purpose: Purpose) -> None:
    secret = _link(site, RESET, _mailed(site, RESET))
    assert isinstance(_use(site, purpose, secret), ProofExpired)


def test_a_link_of_another_business_is_as_unknown(site: Site) -> None:
    secret = _link(site, RESET, _mailed(site, RESET))
    with site.writing() as session:
        refusal = redeem_link(session, RESET, secret, business_id=site.world.kennels.id)
    assert isinstance(refusal, ProofExpired)


def test_a_row_keeps_neither_link_nor_code(site: Site) -> None:
    proof_id = _mailed(site, CODE)
    keys = keyring(site.settings.secret)
    with site.reading() as session:
        proof = session.get_one(Proof, proof_id)
        kept = f"{proof.link_digest} {proof.code_digest}"
    assert keys.derive(CODE, proof_id) not in kept
    assert keys.derive_code(CODE, proof_id) not in kept


def test_a_code_may_be_typed_with_spaces_and_once(site: Site) -> None:
    code = keyring(site.settings.secret).derive_code(CODE, _mailed(site, CODE))
    assert isinstance(_type(site, f"{code[:3]} {code[3:]}"), Proof)
    assert isinstance(_type(site, code), ProofUsed)


def test_five_wrong_codes_end_the_code_but_not_the_link(site: Site) -> None:
    proof_id = _mailed(site, CODE)
    code = keyring(site.settings.secret).derive_code(CODE, proof_id)
    for number in range(WRONG_CODES_ALLOWED):
        assert isinstance(_type(site, _other(code, number + 1)), WrongCode)
    assert isinstance(_type(site, code), WrongCode)
    assert isinstance(_use(site, CODE, _link(site, CODE, proof_id)), Proof)


def test_many_wrong_codes_at_once_count_as_many(site: Site) -> None:
    proof_id = _mailed(site, CODE)
    code = keyring(site.settings.secret).derive_code(CODE, proof_id)
    together = threading.Barrier(12)

    def guess(number: int) -> None:
        together.wait()
        _type(site, _other(code, number + 1))

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with site.reading() as session:
        assert session.get_one(Proof, proof_id).wrong_codes == WRONG_CODES_ALLOWED


@pytest.mark.parametrize("typed", ["", "abcdef", "١٢٣٤٥٦", "1234567", "\0"])
def test_anything_typed_is_answered(site: Site, typed: str) -> None:
    _mailed(site, CODE)
    assert isinstance(_type(site, typed), WrongCode)
