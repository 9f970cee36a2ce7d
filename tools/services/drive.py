"""Google Drive on a loopback port: its token endpoint, its API, and the pages that anyone may read."""

import base64
import datetime
import hashlib
import html
import json
import re
import socketserver
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from tools.services import faults
from tools.services.faults import Reply, Request, Service

HOSTS = ("drive.google.com", "docs.google.com")
READ_ONLY = "https://www.googleapis.com/auth/drive.readonly"


@dataclass
class File:
    """A file in Drive. `checksum` and `size` are what Drive says of the content, true unless given."""

    id: str
    folder: str
    content: bytes = b""
    name: str = "clip.mp4"
    modified: str = "2026-01-01T00:00:00.000Z"
    mime: str = "video/mp4"
    trashed: bool = False
    shared: bool = True
    checksum: str = ""
    size: int = -1
    about: dict = field(default_factory=dict)  # further or wrong fields

    def describe(self, fields: list[str]) -> dict:
        known = {
            "id": self.id,
            "name": self.name,
            "modifiedTime": self.modified,
            "size": str(len(self.content) if self.size < 0 else self.size),
            "md5Checksum": self.checksum or hashlib.md5(self.content, usedforsecurity=False).hexdigest(),
            "mimeType": self.mime,
            **self.about,
        }
        return {name: known[name] for name in fields}


class Drive(Service):
    """Drive v3 for one service account, whose key `write_key` writes. `page` is the most files on a page."""

    def __init__(self, key: rsa.RSAPrivateKey):
        super().__init__(self._answer)
        self.key = key
        self.files: list[File] = []
        self.page = 100
        self.tokens: list[str] = []

    @property
    def api(self) -> str:
        return f"{self.url}/drive/v3/"

    def write_key(self, path: Path, **changes) -> Path:
        """Write a key file like those that Google's console makes, whose token endpoint is this server."""
        key = {
            "type": "service_account",
            "project_id": "a-project",
            "private_key_id": "0123456789abcdef0123456789abcdef01234567",
            "private_key": pem(self.key),
            "client_email": "reader@a-project.iam.gserviceaccount.com",
            "client_id": "123456789012345678901",
            "token_uri": f"{self.url}/token",
        }
        path.write_text(json.dumps({**key, **changes}))
        return path

    def listings(self) -> list[Request]:
        return [request for request in self.requests if request.path == "/drive/v3/files"]

    def downloads(self) -> list[Request]:
        return [request for request in self.requests if request.query.get("alt") == "media"]

    def _answer(self, request):
        if request.path == "/token":
            return self._token(request)
        if not self.tokens or request.headers.get("authorization") != f"Bearer {self.tokens[-1]}":
            return refusal(401, "authError")
        if request.path == "/drive/v3/files":
            return self._list(request)
        wanted = request.path.removeprefix("/drive/v3/files/")
        file = next((file for file in self.files if file.id == wanted and file.shared), None)
        return refusal(404, "notFound") if file is None else send_range(file.content, request)

    def _token(self, request):
        if not signed_by(self.key, request.body.decode().partition("assertion=")[2].partition("&")[0]):
            return Reply({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        self.tokens.append(f"ya29.token-{len(self.tokens)}-of-this-test")
        return Reply({"access_token": self.tokens[-1], "expires_in": 3599, "token_type": "Bearer"})

    def _list(self, request):
        asked = re.fullmatch(
            r"'([\w-]+)' in parents and mimeType contains 'video/' and trashed = false", request.query.get("q", "")
        )
        fields = re.fullmatch(r"nextPageToken,files\(([\w,]+)\)", request.query.get("fields", ""))
        if not asked or not fields or request.query.get("orderBy") != "modifiedTime desc":
            return refusal(400, "invalid")
        if {request.query.get("supportsAllDrives"), request.query.get("includeItemsFromAllDrives")} != {"true"}:
            return Reply({"files": []})  # what a folder in a shared drive looks like then
        found = [file for file in self.files if file.folder == asked[1] and file.shared]
        found = [file for file in found if file.mime.startswith("video/") and not file.trashed]
        found.sort(key=lambda file: file.modified, reverse=True)
        start = int(request.query.get("pageToken", "p0")[1:])
        end = start + min(self.page, int(request.query.get("pageSize", 100)))
        page = {"files": [file.describe(fields[1].split(",")) for file in found[start:end]]}
        return Reply(page | ({"nextPageToken": f"p{end}"} if end < len(found) else {}))


class PublicDrive(Service):
    """The pages of drive.google.com, behind an https proxy: `HTTPS_PROXY` is `url`, `REQUESTS_CA_BUNDLE` names the
    certificate that `certify` wrote."""

    def __init__(self, certificate: Path):
        super().__init__(self._answer)
        self.RequestHandlerClass = _Tunnel
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        self.files: list[File] = []

    def _answer(self, request):
        files = [file for file in self.files if file.shared]
        wanted = request.query.get("id")
        if request.path == "/embeddedfolderview":
            return folder_page([file for file in files if file.folder == wanted])
        file = next((file for file in files if file.id == wanted), None)
        if file is None:
            return Reply(b"<html><title>Sign in</title></html>", 200, {"Content-Type": "text/html"})
        reply = send_range(file.content, request)
        disposition = f'attachment; filename="{file.name}"'
        return Reply(reply.body, reply.status, {**reply.headers, "Content-Disposition": disposition, "ETag": '"1"'})


class _Tunnel(faults._Handler):
    def do_CONNECT(self):  # noqa: N802 - a name that http.server looks for
        self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile.close()
        self.rfile, self.wfile = self.connection.makefile("rb"), socketserver._SocketWriter(self.connection)
        self.close_connection = False

    def finish(self):
        super().finish()
        self.connection.close()


def refusal(status: int, reason: str) -> Reply:
    """An error as Google's APIs send it."""
    return Reply({"error": {"code": status, "message": reason, "errors": [{"reason": reason}]}}, status)


def refuses(status: int, reason: str, **headers: str):
    """A fault for `Service.fail`: an error of Google's APIs."""
    return faults.answers(status, refusal(status, reason).body, **headers)


def send_range(content: bytes, request: Request) -> Reply:
    """The part of `content` that a Range header asks for (RFC 9110, section 14)."""
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if not asked:
        return Reply(content, 200, {"Content-Type": "video/mp4"})
    first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if first >= len(content):
        return Reply(b"", 416, {"Content-Range": f"bytes */{len(content)}"})
    place = {"Content-Range": f"bytes {first}-{last}/{len(content)}", "Content-Type": "video/mp4"}
    return Reply(content[first : last + 1], 206, place)


def folder_page(files: list[File]) -> Reply:
    links = "".join(
        f'<a href="https://drive.google.com/file/d/{file.id}/view"><div>{html.escape(file.name)}</div></a>'
        for file in files
    )
    page = f"<html><head><title>A folder</title></head><body>{links}</body></html>"
    return Reply(page.encode(), 200, {"Content-Type": "text/html; charset=utf-8"})


def make_key() -> rsa.RSAPrivateKey:
    """A service account's key; Google's have 2,048 bits, which take long to check."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 it guards nothing # nosec B505


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def signed_by(key: rsa.RSAPrivateKey, assertion: str) -> bool:
    """Whether a JWT (RFC 7519) bears this key's signature and asks for no more than reading."""
    signed, _, signature = assertion.rpartition(".")
    try:
        key.public_key().verify(_unpack(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return json.loads(_unpack(signed.partition(".")[2]))["scope"] == READ_ONLY


def _unpack(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def certify(path: Path) -> Path:
    """Write a certificate for Drive's hosts, and its key, to a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_text(certificate.public_bytes(serialization.Encoding.PEM).decode() + pem(key))
    return path
