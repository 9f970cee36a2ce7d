"""Google Drive through its API, as a service account that may only read.

Drive v3: https://developers.google.com/workspace/drive/api/reference/rest/v3. Imported only where it is needed, for
it loads Google's client.
"""

import functools
import http.client
import io
import json
import random
import re
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import SimpleNamespace

import httplib2
from google.auth.exceptions import GoogleAuthError
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import Error
from googleapiclient.http import MediaIoBaseDownload

from engines import EngineError
from settings import ROOT, Settings
from tiktok_videos.catalogue import Video
from tiktok_videos.drive import title

SCOPE = "https://www.googleapis.com/auth/drive.readonly"
CHUNK = 2 * 1024 * 1024  # bytes of a video asked for at once
LONGEST_ANSWER = 2 * 1024 * 1024  # bytes, of any other answer
HEAD_ROOM = 64 * 1024  # bytes that the head of an answer may take
ATTEMPTS = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0  # seconds: the pause before a new attempt doubles, and is drawn from 0 to that
TICK = 0.25  # seconds between two looks at whether the search was called off

RATE_LIMITS = {"rateLimitExceeded", "userRateLimitExceeded"}
QUOTAS = {"dailyLimitExceeded", "quotaExceeded", "downloadQuotaExceeded", "sharingRateLimitExceeded"}
SWITCHED_OFF = {"accessNotConfigured", "SERVICE_DISABLED"}

_loading, _signing_in = threading.Lock(), threading.Lock()


class _TooLongError(Exception):
    """An answer is longer than it may be."""


class _RefusedError(Exception):
    """An answer with a status of 400 or more, of which only what is safe to show is kept.

    `reason` is the machine-readable one that Google gives, "" where there is none; `wait` is in seconds, None where
    the answer has no `Retry-After` (RFC 9110, section 10.2.3).
    """

    def __init__(self, answer, content):
        super().__init__()
        self.status, self.reason, self.wait = answer.status, _reason(content), _wait(answer.get("retry-after", ""))


# What a client raises where a service cannot be reached, breaks off, or answers what nobody expects.
_FAILURES = (
    *(OSError, httplib2.HttpLib2Error, http.client.HTTPException, Error, GoogleAuthError, _TooLongError, _RefusedError),
    *(ValueError, TypeError, LookupError, AttributeError, RecursionError),
)
_PASSING = (OSError, httplib2.HttpLib2Error, http.client.HTTPException)


def videos(folder_id: str, limit: int, settings: Settings) -> list[Video]:
    """List the newest videos in a folder, at most `limit`, within `SERVICE_TIMEOUT`. Raises EngineError."""
    ends = time.monotonic() + settings.service_timeout
    found, page = [], None
    with _connect(settings, lambda: None) as client:
        while len(found) < limit:
            ask = functools.partial(_list_page, client, folder_id, limit, page)
            more, page = _ask(client, ask, LONGEST_ANSWER, ends)
            found += more
            if not page:
                break
    return found[:limit]


def download(video: Video, path: Path, settings: Settings, report: Callable[[int, int, str], None]) -> None:
    """Write a video to `path`, chunk by chunk; each has `SERVICE_TIMEOUT`, and only a chunk that broke off is asked
    for again. Raises EngineError, and OSError where `path` cannot be written."""
    done, total, most = 0, video.size or 0, settings.max_video_mb * 1024 * 1024
    with path.open("wb") as file, _connect(settings, lambda: report(done, total, video.title)) as client:
        chunk = io.BytesIO()
        request = client.service.files().get_media(fileId=video.key, supportsAllDrives=True)
        media = MediaIoBaseDownload(chunk, request, chunksize=CHUNK)
        finished = False
        while not finished:
            status, finished = _ask(client, media.next_chunk, CHUNK)
            total = max(status.total_size or 0, done + chunk.tell())
            if total > most:
                raise EngineError(f"The video is larger than MAX_VIDEO_MB ({settings.max_video_mb} MB) allows.")
            if not chunk.tell() and not finished:
                raise EngineError("Google Drive sent nothing more before the video was complete.")
            done += file.write(chunk.getvalue())
            chunk.seek(0)
            chunk.truncate()
            report(done, total, video.title)


@dataclass
class _Client:
    """Whatever one call of this module needs; nothing of it is shared between threads, for httplib2 cannot be."""

    settings: Settings
    limits: "_Limits"
    http: "_Http"
    credentials: Credentials
    service: object
    partner: str = "Google Drive"  # who is being talked to


@contextmanager
def _connect(settings, check):
    credentials = _credentials(_read_key_file(settings))
    address = settings.google_drive_url.rstrip("/") + "/"
    limits = _Limits(check)
    connection = _Http(address, limits)
    service = build("drive", "v3", http=connection, static_discovery=True, client_options={"api_endpoint": address})
    try:
        yield _Client(settings, limits, connection, credentials, service)
    finally:
        connection.close()


def _read_key_file(settings):
    try:
        return (ROOT / Path(settings.google_service_account_file).expanduser()).read_bytes()
    except OSError as error:
        raise EngineError(f"GOOGLE_SERVICE_ACCOUNT_FILE cannot be read: {error.strerror}.") from None


def _credentials(content):
    """The credentials in a key file, with the token that was last given for them: the same ones for all threads."""
    with _loading:
        return _load_credentials(content)


@functools.lru_cache(maxsize=4)
def _load_credentials(content):
    try:
        return Credentials.from_service_account_info(json.loads(content), scopes=[SCOPE])
    except (GoogleAuthError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise EngineError(
            "GOOGLE_SERVICE_ACCOUNT_FILE is not the key of a service account. Make one in the Google Cloud console "
            "(service accounts, keys, JSON)."
        ) from None


def _list_page(client, folder_id, limit, page):
    folder = folder_id.replace("\\", "\\\\").replace("'", "\\'")
    answer = (
        client.service.files()
        .list(
            q=f"'{folder}' in parents and mimeType contains 'video/' and trashed = false",
            orderBy="modifiedTime desc",
            pageSize=limit,
            pageToken=page,
            fields="nextPageToken,files(id,name,modifiedTime,size,md5Checksum)",
            supportsAllDrives=True,
            includeItemsFromAllDrives=True,
        )
        .execute()
    )
    page = answer.get("nextPageToken")
    if not isinstance(page, str | None):
        raise TypeError("a page token is text")
    return [_video(file) for file in answer["files"]], page


def _video(file):
    """A video as Drive describes it. Raises one of _FAILURES for anything else: the key is to be a file's name."""
    key, name, checksum = file["id"], file["name"], file.get("md5Checksum")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", key) or not re.fullmatch(r"[0-9a-f]{32}", checksum or "0" * 32):
        raise ValueError("neither a file id nor a checksum looks like that")
    modified = datetime.fromisoformat(file["modifiedTime"])
    size = int(file["size"]) if "size" in file else None
    return Video(
        source="drive",
        key=key,
        title=title(name),
        modified=(modified if modified.tzinfo else modified.replace(tzinfo=UTC)).timestamp(),
        size=size,
        checksum=checksum,
    )


def _ask(client, action, longest, ends=None):
    """Sign in and return what `action()` returns; try again after failures that may pass.

    All attempts together end at `ends` (by time.monotonic), by default `SERVICE_TIMEOUT` seconds from now, and no
    answer may be longer than `longest` bytes. Raises EngineError.
    """
    client.limits.ends = ends or time.monotonic() + client.settings.service_timeout
    attempt = 0
    while True:
        attempt += 1
        try:
            _sign_in(client)
            client.limits.room = longest + HEAD_ROOM
            return action()
        except _FAILURES as error:
            client.http.close()
            if attempt == ATTEMPTS or not _try_again(client, error, attempt):
                raise EngineError(_explain(client, error)) from None


def _sign_in(client):
    """Have a valid token at hand. Google's own authorised clients would also start a thread that looks for regional
    boundaries, and sleep between attempts without a limit."""
    client.partner = "Google's sign-in"
    credentials, limits = client.credentials, client.limits
    if not _signing_in.acquire(timeout=limits.left()):
        raise TimeoutError
    try:
        if not credentials.valid:
            limits.room = LONGEST_ANSWER
            credentials.refresh(functools.partial(_request_token, client.http))
        if not re.fullmatch(r"[!-~]+", credentials.token):
            raise ValueError("a token has no such signs")
        client.http.token = credentials.token
    except (TypeError, ValueError):
        credentials.token = None
        raise
    finally:
        _signing_in.release()
    client.partner = "Google Drive"


def _request_token(connection, url, method, body, headers):
    answer, content = connection.request(url, method, body, headers)
    return SimpleNamespace(status=answer.status, headers=answer, data=content)


def _try_again(client, failure, attempt):
    """Wait before a new attempt; False where none is worth while, or there is no time left for it."""
    seconds = None
    if isinstance(failure, _RefusedError):
        if failure.status == 401 and attempt == 1 and client.partner == "Google Drive":
            client.credentials.token = None  # it may have been withdrawn before its time
            return True
        if failure.status != 429 and failure.status < 500 and failure.reason not in RATE_LIMITS:
            return False
        seconds = failure.wait
    elif isinstance(failure, ssl.SSLCertVerificationError) or not isinstance(failure, _PASSING):
        return False
    if seconds is None:
        seconds = random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)))  # noqa: S311 - no secret
    ends = time.monotonic() + seconds
    if ends >= client.limits.ends:
        return False
    while (left := ends - time.monotonic()) > 0:
        client.limits.check()
        time.sleep(min(left, TICK))
    return True


def _reason(content):
    try:
        error = json.loads(content)["error"]
        reason = error if isinstance(error, str) else error["errors"][0]["reason"]
        return reason if re.fullmatch(r"[A-Za-z_]{1,40}", reason) else ""
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""


def _wait(retry_after):
    if re.fullmatch(r"\d{1,9}", retry_after):
        return float(retry_after)
    try:
        return max((parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _explain(client, failure):
    """A sentence for the user: what went wrong and what to do. Nothing that a server or a key file said is in it."""
    partner, signing_in = client.partner, client.partner != "Google Drive"
    if isinstance(failure, _RefusedError):
        return (_explain_sign_in if signing_in else _explain_refusal)(failure.status, failure.reason)
    address = "GOOGLE_SERVICE_ACCOUNT_FILE" if signing_in else "GOOGLE_DRIVE_URL"
    if isinstance(failure, TimeoutError):
        return f"{partner} gave no complete answer within {client.settings.service_timeout} s. Try again later."
    if isinstance(failure, ssl.SSLError):
        return f"There is no secure connection to {partner}. Check this machine's clock and certificates."
    if isinstance(failure, ConnectionRefusedError | httplib2.ServerNotFoundError):
        return f"{partner} cannot be reached. Check the network, and the address in {address}."
    if isinstance(failure, OSError | http.client.IncompleteRead | http.client.RemoteDisconnected):
        return f"The connection to {partner} broke off. Check the network, or try again later."
    return f"{partner} sent an answer that makes no sense. Check the network, and the address in {address}."


def _explain_sign_in(status, reason):
    if status == 429 or status >= 500:
        return f"Google's sign-in is out of order just now (status {status}). Try again later."
    return (
        f"Google's sign-in does not accept the service account's key ({reason or f'status {status}'}). Check "
        "GOOGLE_SERVICE_ACCOUNT_FILE and this machine's clock, or make a new key."
    )


def _explain_refusal(status, reason):
    if status == 429 or reason in RATE_LIMITS:
        return "Google Drive is being asked too often just now. Try again in a few minutes."
    if status >= 500:
        return f"Google Drive is out of order just now (status {status}). Try again later."
    if reason in QUOTAS:
        return "The quota of Google Drive is used up. Try again tomorrow."
    if reason in SWITCHED_OFF:
        return "The Google Drive API is switched off in the service account's project. Switch it on in the console."
    return {
        401: "Google Drive does not accept the service account. Check GOOGLE_SERVICE_ACCOUNT_FILE.",
        403: "The service account may not read this. Share the folder with the service account's e-mail address.",
        404: "This is not in Google Drive, or not shared with the service account's e-mail address.",
        400: "Google Drive did not understand the request. Check GOOGLE_DRIVE_URL and the folder ids in DRIVE_FOLDERS.",
    }.get(status, f"Google Drive answered with status {status}. Check GOOGLE_DRIVE_URL.")


class _Limits:
    """Until when a call may last (`ends`, by time.monotonic) and how many bytes may still come (`room`).

    httplib2's own time-out begins anew with each byte, and it reads an answer of any length into memory. `check` is
    called while there is nothing else to do, and may raise Cancelled.
    """

    def __init__(self, check):
        self.check, self.ends, self.room = check, 0.0, 0

    def left(self):
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Http(httplib2.Http):
    """An httplib2.Http under limits, which raises _RefusedError before Google's client can log what was answered.

    The token goes to the one address that it is meant for, wherever a redirect or an answer leads.
    """

    def __init__(self, address, limits):
        super().__init__(timeout=limits)
        self.address, self.token = address, ""

    def request(self, uri, method="GET", body=None, headers=None, **options):
        headers = {name: value for name, value in (headers or {}).items() if name.lower() != "authorization"}
        if self.token and uri.startswith(self.address):
            headers["authorization"] = f"Bearer {self.token}"
        options["connection_type"] = _SecureConnection if uri.lower().startswith("https:") else _PlainConnection
        answer, content = super().request(uri, method, body, headers, **options)
        if answer.status >= 400 and answer.status != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _RefusedError(answer, content)
        return answer, content


class _Limited:
    """A connection whose `timeout` is what is left of the limits that it was made with."""

    @property
    def timeout(self):
        return self.limits.left()

    @timeout.setter
    def timeout(self, limits):
        self.limits = limits

    def request(self, *arguments, **options):
        if self.sock:
            self.sock.settimeout(self.timeout)
        super().request(*arguments, **options)

    def response_class(self, sock, *arguments, **options):
        return _Response(self.limits, sock, *arguments, **options)


class _PlainConnection(_Limited, httplib2.HTTPConnectionWithTimeout):
    """http, for a loopback server or a proxy of one's own."""


class _SecureConnection(_Limited, httplib2.HTTPSConnectionWithTimeout):
    """https."""


class _Response(http.client.HTTPResponse):
    def __init__(self, limits, sock, *arguments, **options):
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Reader(limits, sock, self.fp.detach()), HEAD_ROOM)


class _Reader(io.RawIOBase):
    """What a socket receives, head and body, as far as the limits go."""

    def __init__(self, limits, sock, raw):
        self._limits, self._sock, self._raw = limits, sock, raw

    def readable(self):
        return True

    def readinto(self, buffer):
        while True:
            self._sock.settimeout(min(self._limits.left(), TICK))
            try:
                count = self._sock.recv_into(buffer)
            except TimeoutError:
                self._limits.check()
                continue
            self._limits.room -= count
            if self._limits.room < 0:
                raise _TooLongError
            return count

    def close(self):
        self._raw.close()
        super().close()
