"""The session cookie: valid for as long as its signature is, whatever the clocks say."""

import time

import flask
from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature

from web import origin

AGE = 365 * 86_400  # seconds that a browser keeps it
RENEWED = 7 * 86_400  # seconds after which it is given again, so that who comes back is known for another year


class VisitorSessions(SecureCookieSessionInterface):
    """Flask's signed cookie without its check of age.

    By that, a clock that is behind, or another instance's that is ahead, makes the visitor another one for good. What a
    foreign site brought about is never given a cookie.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        signing = self.get_signing_serializer(app)
        if signing is None:
            return None
        cookie = request.cookies.get(self.get_cookie_name(app))
        if not cookie:
            return self.session_class()
        try:
            values, signed = signing.loads(cookie, return_timestamp=True)
        except BadSignature:
            return self.session_class()
        session = self.session_class(values)
        session.modified = abs(time.time() - signed.timestamp()) > RENEWED
        return session

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 Flask's signature
        """Only over https where the visitor came over https, by a trusted proxy's word too."""
        return flask.request.is_secure

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        signing = self.get_signing_serializer(app)
        if session.accessed:
            response.vary.add("Cookie")
        if signing is None or not session.modified or origin.is_foreign(flask.request):
            return
        response.set_cookie(
            self.get_cookie_name(app),
            str(signing.dumps(dict(session))),
            max_age=AGE,  # browsers count from when it came, and heed no date beside it (RFC 6265, 4.1.2.2)
            httponly=True,
            secure=self.get_cookie_secure(app),
            samesite="Lax",
        )
