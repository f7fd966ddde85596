"""What stands around every answer: security headers, known hosts, cross-site posts, body sizes.

Plain ASGI, since it touches every request.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from booking.api import problem
from booking.config import Settings

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
LARGEST_BODY = 1024 * 1024
LARGEST_UPLOAD = 32 * 1024 * 1024
# Addresses with a secret in them are told to nobody, not even to ourselves.
SECRET_PATHS = (
    "/i/",
    "/u/",
    "/reset/",
    "/join/",
    "/confirm/",
    "/email/",
    "/calendars/",
    "/booking/",
    "/bookings/",
)
PROBES = {"/healthz", "/readyz", "/metrics"}
UPLOADS = ("/imports", "/campaigns", "/import")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "object-src 'none'; manifest-src 'self'"
)


class TooLarge(HTTPException):
    """More body arrived than this address takes."""

    def __init__(self) -> None:
        super().__init__(413)


class Protection:
    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.production = settings.production
        self.host = (urlsplit(settings.public_url).hostname or "").lower()
        self.origin = settings.public_url.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refuse(scope, headers)
        if refused is not None:
            await refused(scope, receive, self._guarded(scope, send))
            return
        limit = _largest(scope["path"])
        if int(headers.get("content-length") or 0) > limit:
            scope["booking_too_large"] = True
        await self.app(scope, _counted(scope, receive, limit), self._guarded(scope, send))

    def _refuse(self, scope: Scope, headers: Headers) -> Response | None:
        probed = scope["path"] in PROBES  # a load balancer asks by address
        if not probed and not self._known_host(headers.get("host", "")):
            return _bad_request(scope, "This host is not served here.")
        if headers.get("content-length", "0").strip().isdigit() is False:
            return _bad_request(scope, "The Content-Length is not a number.")
        if scope["method"] not in SAFE_METHODS and self._is_cross_site(scope, headers):
            return PlainTextResponse(
                "This form was sent from another site, so it was not carried out. "
                "Open the page here and send it again.\n",
                status_code=403,
            )
        return None

    def _known_host(self, host: str) -> bool:
        name = _host_name(host)
        return name == self.host or (not self.production and _is_local(name))

    def _is_cross_site(self, scope: Scope, headers: Headers) -> bool:
        """Cookies only count for pages; the API's bearer tokens are not sent by browsers.

        One-click unsubscribing (RFC 8058) comes from mail providers, without a cookie.
        """
        path = scope["path"]
        if path.startswith(("/api/", "/u/")):
            return False
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in {"same-origin", "none"}
        origin = headers.get("origin")
        if origin is None or origin == self.origin:
            return False
        return self.production or not _is_local(urlsplit(origin).hostname or "")

    def _guarded(self, scope: Scope, send: Send) -> Send:
        is_secret = any(part in scope["path"] for part in SECRET_PATHS)
        referrer = "no-referrer" if is_secret else "same-origin"

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", referrer)
                headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
                headers.setdefault("Cache-Control", "no-store")
                if self.production:
                    headers.setdefault(
                        "Strict-Transport-Security", "max-age=31536000; includeSubDomains"
                    )
            await send(message)

        return guarded


def _bad_request(scope: Scope, text: str) -> Response:
    if scope["path"].startswith("/api/"):
        return problem.problem(400, "bad_request", text)
    return PlainTextResponse(f"{text}\n", status_code=400)


def _counted(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Stops reading a body that grows past its limit, whatever its Content-Length said."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        if scope.get("booking_too_large"):
            raise TooLarge
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge
        return message

    return counted


def _largest(path: str) -> int:
    return LARGEST_UPLOAD if path.rstrip("/").endswith(UPLOADS) else LARGEST_BODY


def _host_name(host: str) -> str:
    """Empty for what is no host with or without a port."""
    name, bracket, port = host[1:].partition("]") if host[:1] == "[" else host.partition(":")
    port = port.removeprefix(":") if bracket == "]" else port
    return name.lower() if not port or (port.isascii() and port.isdigit()) else ""


def _is_local(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
