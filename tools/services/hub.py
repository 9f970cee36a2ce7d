"""The Hugging Face hub on a loopback port: its API, its small files, and the host that large files are fetched from."""

import hashlib
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from tools.services.drive import send_range
from tools.services.faults import Reply, Service, head, reset, send

LARGE = {".safetensors", ".bin", ".ckpt", ".msgpack", ".h5", ".onnx", ".png", ".model"}  # what is kept in LFS

NAME, REVISION = r"(?P<name>[\w.-]+/[\w.-]+)", r"(?P<revision>[^/]+)"
ROUTES = {
    "info": re.compile(rf"/api/models/{NAME}(/revision/{REVISION})?"),
    "tree": re.compile(rf"/api/models/{NAME}/tree/{REVISION}"),
    "resolve": re.compile(rf"/{NAME}/resolve/{REVISION}/(?P<file>.+)"),
    "small": re.compile(rf"/api/resolve-cache/models/{NAME}/{REVISION}/(?P<file>.+)"),
}


@dataclass
class Repository:
    """The files of each commit. `claimed` gives sizes that the API says of files in place of the true ones."""

    commits: dict[str, Path] = field(default_factory=dict)
    main: str = ""
    token: str = ""  # only who sends it sees that the repository is there
    gated: bool = False
    claimed: dict[str, int] = field(default_factory=dict)


class Hub(Service):
    """The hub. Large files are redirected to another host, as the real one does, and are said to be in Xet as well."""

    def __init__(self):
        super().__init__(self._answer)
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, Path] = {}  # by SHA-256

    def add(self, name: str, folder: Path, commit: str) -> Repository:
        """Publish the files of a folder as a commit, to which `main` moves."""
        repository = self.repositories.setdefault(name, Repository())
        repository.commits[commit] = folder
        repository.main = commit
        self.large |= {sha256(path): path for path in files_of(folder) if path.suffix in LARGE}
        return repository

    def fetched(self) -> set[str]:
        """The files whose content was asked for, as "repository/file"."""
        paths = [unquote(request.path) for request in self.requests if request.method == "GET"]
        found = [ROUTES["resolve"].fullmatch(path) or ROUTES["small"].fullmatch(path) for path in paths]
        return {f"{match['name']}/{match['file']}" for match in found if match}

    def asked_of(self, path: Path) -> list[str]:
        """The Range headers of the requests for a large file; "" where there was none."""
        wanted = f"/cdn/{sha256(path)}"
        return [request.headers.get("range", "") for request in self.requests if request.path == wanted]

    def _answer(self, request):
        path = unquote(request.path)
        if path.startswith("/cdn/"):
            # The credentials are for the hub, not for the host that it sends to.
            refused = "authorization" in request.headers
            return Reply(b"", 400) if refused else send_range(self.large[path[5:]].read_bytes(), request)
        for route, pattern in ROUTES.items():
            if match := pattern.fullmatch(path):
                return self._for_repository(route, match.groupdict(), request)
        return Reply(b"", 200 if path == "/" else 404)

    def _for_repository(self, route, wanted, request):
        repository = self.repositories.get(wanted["name"])
        if repository is None or repository.token not in request.headers.get("authorization", ""):
            return refusal(401, "RepoNotFound", "Invalid username or password.")
        if repository.gated and route in ("resolve", "small"):
            return refusal(401, "GatedRepo", "Access to this model is restricted.")
        revision = wanted["revision"] or "main"
        commit = repository.main if revision == "main" else revision
        if commit not in repository.commits:
            return refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        answer = {"info": self._info, "tree": self._tree, "resolve": self._resolve, "small": self._small}[route]
        return answer(repository, commit, wanted, request)

    def _info(self, repository, commit, wanted, request):
        with_sizes = request.query.get("blobs", "").lower() == "true"
        siblings = [
            {"rfilename": file.pop("path"), **({"blobId": file.pop("oid"), **file} if with_sizes else {})}
            for file in map(dict, self._list(repository, commit))
        ]
        for sibling in siblings:
            if "lfs" in sibling:
                sibling["lfs"] = {"sha256": sibling["lfs"].pop("oid"), **sibling["lfs"]}
        about = {"id": wanted["name"], "modelId": wanted["name"], "private": False, "disabled": False, "tags": []}
        return Reply({**about, "gated": repository.gated, "sha": commit, "siblings": siblings}, headers=JSON)

    def _tree(self, repository, commit, _wanted, _request):
        files = [{"type": "file", **file} for file in self._list(repository, commit)]
        folders = {str(Path(file["path"]).parent) for file in files} - {"."}
        return Reply([*files, *({"type": "directory", "oid": "0" * 40, "size": 0, "path": name} for name in folders)])

    def _list(self, repository, commit):
        folder = repository.commits[commit]
        for path in files_of(folder):
            name = path.relative_to(folder).as_posix()
            size = repository.claimed.get(name, path.stat().st_size)
            entry = {"path": name, "size": size, "oid": git_sha1(path)}
            if path.suffix in LARGE:
                entry["lfs"] = {"oid": sha256(path), "size": size, "pointerSize": 134}
                entry["xetHash"] = xet_hash(path)
            yield entry

    def _resolve(self, repository, commit, wanted, _request):
        path = repository.commits[commit] / wanted["file"]
        if not path.is_file():
            return refusal(404, "EntryNotFound", "Entry not found")
        about = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes", "Access-Control-Allow-Origin": "*"}
        if path.suffix not in LARGE:
            place = f"/api/resolve-cache/models/{wanted['name']}/{commit}/{wanted['file']}"
            return Reply(b"", 307, {**about, "Location": place, "ETag": f'"{git_sha1(path)}"'})
        token = f"/api/models/{wanted['name']}/xet-read-token/{commit}"
        large = {
            "X-Linked-Etag": f'"{sha256(path)}"',
            "X-Linked-Size": str(path.stat().st_size),
            "X-Xet-Hash": xet_hash(path),
            "Link": f'<{self.url}{token}>; rel="xet-auth"',
            "Location": f"{self.url.replace('127.0.0.1', 'localhost')}/cdn/{sha256(path)}",
        }
        return Reply(b"", 302, {**about, **large})

    def _small(self, repository, commit, wanted, request):
        path = repository.commits[commit] / wanted["file"]
        reply = send_range(path.read_bytes(), request)
        return Reply(reply.body, reply.status, {"ETag": f'"{git_sha1(path)}"', "X-Repo-Commit": commit})


JSON = {"Content-Type": "application/json; charset=utf-8"}


def refusal(status: int, code: str, message: str) -> Reply:
    """An error as the hub sends it; of a repository that is not there it says what it says of a closed one."""
    return Reply({"error": message}, status, {"X-Error-Code": code, "X-Error-Message": message, **JSON})


def breaks_off_after(size: int):
    """A fault for `Service.fail`: so many bytes of the body, then a reset."""

    def fault(handler, reply):
        body = reply.bytes()
        handler.wfile.write(head(reply.status, len(body), reply.headers) + body[:size])
        time.sleep(0.3)  # a reset takes what is still on its way with it
        reset(handler)

    return fault


def stalls_after(size: int):
    """A fault for `Service.fail`: so many bytes of the body, then nothing until the test ends."""

    def fault(handler, reply):
        body = reply.bytes()
        handler.wfile.write(head(reply.status, len(body), reply.headers) + body[:size])
        handler.server.stopping.wait(60)
        handler.close_connection = True

    return fault


def damaged(handler, reply):
    """A fault for `Service.fail`: one byte in the middle is another one."""
    body = bytearray(reply.bytes())
    body[len(body) // 2] ^= 1
    send(handler, Reply(bytes(body), reply.status, reply.headers))


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def xet_hash(path: Path) -> str:
    """Xet's hash is one of a tree of chunks; all that matters here is that it looks like a SHA-256 and is none."""
    return hashlib.sha256(b"xet" + path.read_bytes()).hexdigest()


def git_sha1(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
