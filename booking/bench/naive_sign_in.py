"""The naive way to sign in: hashes as argon2's makers would have it, in the event loop.

In its favour it reads and writes no database.
"""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import FastAPI, HTTPException
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from booking.bench.raw_hashing import PASSWORD

EMAIL = "owner@bench.example"


class Credentials(BaseModel):
    email: str
    password: str


def create_app() -> FastAPI:
    app = FastAPI()
    hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
    accounts = {EMAIL: hasher.hash(PASSWORD)}

    @app.get("/healthz")
    def alive() -> PlainTextResponse:
        return PlainTextResponse("alive\n")

    @app.post("/sessions", status_code=201)
    async def sign_in(body: Credentials) -> dict[str, str]:
        try:
            hasher.verify(accounts[body.email], body.password)
        except (KeyError, VerifyMismatchError):
            raise HTTPException(401) from None
        return {"token": secrets.token_urlsafe(32)}

    return app
