"""Google Drive through its API, as a service account that may only read.

Drive v3: https://developers.google.com/workspace/drive/api/reference/rest/v3. Imported only where it is needed, for
it loads Google's client.
"""

import functools
import io
import re
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import httplib2
from google.auth.exceptions import GoogleAuthError
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import Error
from googleapiclient.http import MediaIoBaseDownload
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core import http
from core.engines import EngineError
from core.waiting import hold
from settings import ROOT, Settings
from tiktok_videos.catalogue import Video, title

SCOPE = "https://www.googleapis.com/auth/drive.readonly"
CHUNK = 2 * http.MB  # bytes of a video asked for at once
RANGE = re.compile(r"bytes (?:\d+-\d+|\*)/\d+")  # RFC 9110, section 14.4
HANDED_ON = ("content-type", "content-range")  # the headers that Google's client needs

RATE_LIMITS = {"rateLimitExceeded", "userRateLimitExceeded"}
QUOTAS = {"dailyLimitExceeded", "quotaExceeded", "downloadQuotaExceeded", "sharingRateLimitExceeded"}
SWITCHED_OFF = {"accessNotConfigured", "SERVICE_DISABLED"}


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="allow")
    client_email: str
    private_key: str
    token_uri: str


class _Token(BaseModel):
    access_token: Annotated[str, Field(pattern=r"^[!-~]+$")]
    expires_in: Annotated[int, Field(ge=0, le=10**6)] = 3600  # seconds


class _File(BaseModel):
    """A video as Drive describes it. The id and the checksum are to be a file's name."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
    name: str
    modified: Annotated[datetime, Field(alias="modifiedTime")]
    size: Annotated[int, Field(ge=0)] | None = None
    checksum: str | None = Field(None, alias="md5Checksum", pattern=r"^[0-9a-f]{32}$")

    def video(self) -> Video:
        modified = self.modified if self.modified.tzinfo else self.modified.replace(tzinfo=UTC)
        return Video("drive", self.id, title(self.name), modified.timestamp(), size=self.size, checksum=self.checksum)


class _Page(BaseModel):
    files: list[_File]
    next: Annotated[str | None, Field(alias="nextPageToken")] = None


class _Reason(BaseModel):
    reason: Annotated[str, Field(pattern=r"^[A-Za-z_]{1,40}$")]


class _Reasons(BaseModel):
    errors: Annotated[list[_Reason], Field(min_length=1)]


class _Refusal(BaseModel):
    """An error of Google's APIs, or of its sign-in, where it is one word."""

    error: _Reasons | Annotated[str, Field(pattern=r"^[A-Za-z_]{1,40}$")]


def videos(folder_id: str, limit: int, settings: Settings) -> list[Video]:
    """List the newest videos in a folder, at most `limit`, within `SERVICE_TIMEOUT`. Raises EngineError."""
    found: list[Video] = []
    page = None
    with _connect(settings, lambda: None) as (service, _):
        while len(found) < limit:
            listed = _list_page(service, folder_id, limit, page)
            found += [file.video() for file in listed.files]
            page = listed.next
            if not page:
                break
    return found[:limit]


def download(video: Video, path: Path, settings: Settings, report: Callable[[int, int, str], None]) -> None:
    """Write a video to `path`, chunk by chunk; each has `SERVICE_TIMEOUT`, and only a chunk that broke off is asked
    for again. Raises EngineError, and OSError where `path` cannot be written."""
    done, total, most = 0, video.size or 0, settings.max_video_mb * http.MB
    with path.open("wb") as file, _connect(settings, lambda: report(done, total, video.title)) as (service, connection):
        chunk = io.BytesIO()
        request = service.files().get_media(fileId=video.key, supportsAllDrives=True)
        media = MediaIoBaseDownload(chunk, request, chunksize=CHUNK)
        finished = False
        while not finished:
            connection.limit(CHUNK)
            status, finished = media.next_chunk()
            total = max(status.total_size or 0, done + chunk.tell())
            if total > most:
                raise EngineError(f"The video is larger than MAX_VIDEO_MB ({settings.max_video_mb} MB) allows.")
            if not chunk.tell() and not finished:
                raise EngineError("Google Drive sent nothing more before the video was complete.")
            done += file.write(chunk.getvalue())
            chunk.seek(0)
            chunk.truncate()
            report(done, total, video.title)


def _list_page(service, folder_id, limit, page):
    folder = folder_id.replace("\\", "\\\\").replace("'", "\\'")
    request = service.files().list(
        q=f"'{folder}' in parents and mimeType contains 'video/' and trashed = false",
        orderBy="modifiedTime desc",
        pageSize=limit,
        pageToken=page,
        fields="nextPageToken,files(id,name,modifiedTime,size,md5Checksum)",
        supportsAllDrives=True,
        includeItemsFromAllDrives=True,
    )
    request.postproc = lambda _response, content: http.parse(DRIVE, _Page, content)
    return request.execute()


# --- the way to Drive


@dataclass(frozen=True)
class _Account:
    """A service account, with the token that was last given for it: the same one for all threads."""

    credentials: Credentials
    signing_in: threading.Lock = field(default_factory=threading.Lock)


_loading = threading.Lock()


def _account(settings):
    try:
        content = (ROOT / Path(settings.google_service_account_file).expanduser()).read_bytes()
    except OSError as error:
        raise EngineError(f"GOOGLE_SERVICE_ACCOUNT_FILE cannot be read: {error.strerror}.") from None
    with _loading:
        return _load_account(content)


@functools.lru_cache(maxsize=4)
def _load_account(content):
    try:
        key = _KeyFile.model_validate_json(content).model_dump()
        return _Account(Credentials.from_service_account_info(key, scopes=[SCOPE]))
    except (GoogleAuthError, ValueError):
        raise EngineError(
            "GOOGLE_SERVICE_ACCOUNT_FILE is not the key of a service account. Make one in the Google Cloud console "
            "(service accounts, keys, JSON)."
        ) from None


@contextmanager
def _connect(settings, check):
    """Google's client for Drive v3, and the connection beneath it."""
    address = settings.google_drive_url.rstrip("/") + "/"
    account = _account(settings)
    with http.Client(DRIVE, settings.service_timeout, check) as client:
        connection = _Connection(client, address, account)
        options = {"api_endpoint": address}
        try:
            yield build("drive", "v3", http=connection, static_discovery=True, client_options=options), connection
        except Error:
            raise http.nonsense(DRIVE) from None


class _Connection:
    """What Google's client takes for an httplib2.Http: core.http's client, signed in.

    All requests together end at the deadline that `limit` sets anew. The token goes to the one address that it is
    meant for, wherever a redirect or an answer leads.
    """

    def __init__(self, client, address, account):
        self._client, self._address, self._account = client, address, account
        self.limit(http.MAX_ANSWER)

    def limit(self, max_bytes):
        """Begin a call, whose answers have at most so many bytes."""
        self._deadline, self._max_bytes = time.monotonic() + self._client.timeout, max_bytes

    def request(self, uri, method="GET", body=None, headers=None, **_options):
        token = self._sign_in()
        try:
            answer = self._ask(uri, method, body, headers, token)
        except http.CallError as refused:
            if refused.status != 401:
                raise
            self._account.credentials.token = None  # it may have been withdrawn before its time
            answer = self._ask(uri, method, body, headers, self._sign_in())
        if (answer.status == 416 or "Content-Range" in answer.headers) and not RANGE.fullmatch(
            answer.headers.get("Content-Range", "")
        ):
            raise http.nonsense(DRIVE)
        handed_on = {name: answer.headers[name] for name in HANDED_ON if name in answer.headers}
        size = {"content-length": str(len(answer.body))}
        return httplib2.Response({**handed_on, **size, "status": str(answer.status)}), answer.body

    def close(self):
        """Closed by who opened the client."""

    def _ask(self, uri, method, body, headers, token):
        return self._client.request(
            method,
            uri,
            data=body,
            headers=headers or {},
            token=token if uri.startswith(self._address) else "",
            deadline=self._deadline,
            max_bytes=self._max_bytes,
            accept={416},
            follow=True,
        )

    def _sign_in(self):
        """A valid token. Google's own authorised clients would also start a thread that looks for regional
        boundaries, and sleep between attempts without a limit."""
        credentials, client = self._account.credentials, self._client
        try:
            with hold(self._account.signing_in, client.check, self._deadline):
                if not credentials.valid:
                    with http.Client(SIGN_IN, client.timeout, client.check) as asking:
                        credentials.refresh(functools.partial(_request_token, asking, self._deadline))
                return credentials.token
        except TimeoutError:
            raise http.too_late(SIGN_IN, client.timeout) from None
        except GoogleAuthError:
            raise http.nonsense(SIGN_IN) from None


def _request_token(client, deadline, url, method, body, headers):
    answer = client.request(method, url, data=body, headers=headers, deadline=deadline)
    token = http.parse(SIGN_IN, _Token, answer.body)
    return SimpleNamespace(status=200, headers={}, data=token.model_dump_json().encode())


# --- what went wrong, in words


def _reason(answer):
    """The machine-readable reason that Google gives, "" where there is none."""
    try:
        error = _Refusal.model_validate_json(answer.body).error
    except ValidationError:
        return ""
    return error if isinstance(error, str) else error.errors[0].reason


def _explain_sign_in(answer):
    if answer.status == 429 or answer.status >= 500:
        return None
    why = _reason(answer) or f"HTTP {answer.status}"
    return http.CallError(
        f"Google's sign-in does not accept the service account's key ({why}). Check GOOGLE_SERVICE_ACCOUNT_FILE and "
        "this machine's clock, or make a new key.",
        status=answer.status,
        is_passing=why in RATE_LIMITS,
    )


def _explain(answer):
    reason = _reason(answer)
    if answer.status == 429 or reason in RATE_LIMITS:
        said = "Google Drive is being asked too often just now. Try again in a few minutes."
        return http.CallError(said, status=answer.status, is_passing=True, retry_after=answer.retry_after)
    if answer.status < 500 and reason in QUOTAS:
        return http.CallError("The quota of Google Drive is used up. Try again tomorrow.", status=answer.status)
    if answer.status < 500 and reason in SWITCHED_OFF:
        said = "The Google Drive API is switched off in the service account's project. Switch it on in the console."
        return http.CallError(said, status=answer.status)
    return None


SHARE = "the service account's e-mail address"
DRIVE = http.Service(
    "Google Drive",
    address="GOOGLE_DRIVE_URL",
    nonsense="sent an answer that makes no sense",
    refusals={
        400: "did not understand the request; check GOOGLE_DRIVE_URL and the folder ids in DRIVE_FOLDERS",
        401: "does not accept the service account; check GOOGLE_SERVICE_ACCOUNT_FILE",
        403: f"does not let the service account read this. Share the folder with {SHARE}",
        404: f"does not have this, or it is not shared with {SHARE}",
    },
    explain=_explain,
)
SIGN_IN = http.Service(
    "Google's sign-in",
    address="GOOGLE_SERVICE_ACCOUNT_FILE",
    nonsense="sent an answer that makes no sense",
    refusals={429: "is out of order just now (HTTP {status}); try again later"},
    explain=_explain_sign_in,
)
