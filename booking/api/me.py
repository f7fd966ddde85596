"""A pet owner's own record: contact details, pets, and which record is theirs."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from booking.accounts.actions import address, proofs, sign_in
from booking.accounts.models import Account
from booking.accounts.passwords import Hashing, Verified
from booking.accounts.queries import KnownPassword, known_password
from booking.accounts.rules import email_key
from booking.api.caller import Caller, ClientReads, ClientWrites, client_caller
from booking.api.client_access import (
    AccountOut,
    ClientSession,
    KnownClientOut,
    adopt_visits,
    known_clients,
    sign_in_now,
)
from booking.api.clients import Address, address_of, flat_address
from booking.api.idempotent import IdempotentRoute
from booking.businesses.queries import place_of
from booking.clients import actions as clients
from booking.clients import queries
from booking.clients.models import Client
from booking.clients.rules import Line35
from booking.dependencies import client_ip, database_of
from booking.errors import FieldError, Invalid, NotAllowed, NotFound, Refusal
from booking.fields import EmailText, Line60, Line100, Password, PhoneText, Secret
from booking.linking.actions import records
from booking.linking.actions.address import change_address
from booking.preferences.actions import current
from booking.rate_limit import Limit, Limiter
from booking.tokens import Purpose

router = APIRouter(prefix="/businesses/{slug}/me", tags=["me"], route_class=IdempotentRoute)
