"""Stands before a WSGI application: lets in who has the token, and unless it may be written to only
those who read.

Knows nothing of what the application shows.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

if TYPE_CHECKING:  # exists for type checkers alone
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READING = ("GET", "HEAD")


class Gate:
    """A WSGI application around another. Safe to call from several threads.

    A first visit brings `?token=...`; it is answered with a cookie and sent on to the same place
    without the token, so that the token stays out of the history and of links.
    """

    def __init__(self, inside: WSGIApplication, *, token: str, cookie: str, writable: bool) -> None:
        self._inside = inside
        self._token = token.encode()
        self._cookie = cookie
        self._writable = writable

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """See PEP 3333."""
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        given = dict(query).get("token")
        if given is not None and self._is_token(given):
            rest = urlencode([(key, value) for key, value in query if key != "token"])
            return self._let_in(environ, start, rest)
        if not self._is_token(self._cookie_of(environ)):
            return _refuse(start, "401 Unauthorized", "open the URL with ?token= that was printed")
        if environ["REQUEST_METHOD"] not in READING and not self._writable:
            return _refuse(start, "403 Forbidden", "read-only: start it with --writable to change")
        return self._inside(environ, start)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token)  # takes as long for any guess

    def _cookie_of(self, environ: WSGIEnvironment) -> str:
        try:
            morsel = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(self._cookie)
        except CookieError:
            return ""
        return morsel.value if morsel is not None else ""

    def _let_in(
        self, environ: WSGIEnvironment, start: StartResponse, query: str
    ) -> Iterable[bytes]:
        # quoted, or a line break in it would begin another header; //host would leave this one
        path = quote("/" + environ.get("PATH_INFO", "").lstrip("/\\"), encoding="latin-1")
        headers = [
            ("Location", path + (f"?{query}" if query else "")),
            # Lax: a link on another page may lead here, its forms and scripts may not
            (
                "Set-Cookie",
                f"{self._cookie}={self._token.decode()}; Path=/; HttpOnly; SameSite=Lax",
            ),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Content-Length", "0"),
        ]
        start("303 See Other", headers)
        return []


def _refuse(start: StartResponse, status: str, reason: str) -> Iterable[bytes]:
    body = f"{reason}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    start(status, headers)
    return [body]
