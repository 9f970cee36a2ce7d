"""C2PA manifests (Content Credentials): signed into a file, and read from one.

Source: C2PA Technical Specification 2.2; the work is c2pa-python's. No manifest, revocation list or the like is ever
fetched: the one address that is called is that of a time-stamp authority, where one is given.
"""

import copy
import io
import json
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from core import xmp
from core.certificates import Certificate, SigningError

MAX_INPUT = 512 * 1024**2  # bytes of a file whose credentials are taken over
MAX_CREDENTIALS = 4 * 1024**2  # bytes: every file that is made from such an input carries them
UNTRUSTED = "signingCredential.untrusted"
OPTIONS = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": False},
    "builder": {"thumbnail": {"enabled": False}},
}

VALID_UNKNOWN = "valid, signer unknown"
VALID_TRUSTED = "valid, signer trusted"
INVALID = "not valid"
NONE = "no content credentials"


@dataclass(frozen=True)
class Input:
    """Something that a file was made from. `component` is a part of the file; any other input led to it only.

    The credentials of the file at `path`, a video, a WAV or a PNG, are taken over, if it has any.
    """

    title: str
    path: Path | None = None
    component: bool = False


@dataclass(frozen=True)
class Credentials:
    """What is signed in a file. `state` is VALID_UNKNOWN, VALID_TRUSTED, or INVALID with `failures`, or NONE."""

    state: str
    failures: tuple[str, ...] = ()
    signer: str = ""
    manifest: Mapping[str, Any] | None = None


def sign(
    data: bytes,
    media_type: str,
    definition: Mapping[str, Any],
    inputs: Sequence[Input],
    certificate: Certificate,
    timestamp_url: str = "",
) -> bytes:
    """A PNG, WAV or MP4 file with a signed manifest in it.

    `definition` is a manifest definition of the C2PA SDK, to which the inputs are added as ingredients. With
    `timestamp_url` the authority there (RFC 3161) is asked for a time stamp. Raises SigningError, also where what was
    signed does not hold.
    """
    import c2pa

    try:
        info = c2pa.C2paSignerInfo(
            certificate.algorithm.encode(), certificate.chain, certificate.key, timestamp_url.encode() or None
        )
        with (
            c2pa.Context.from_dict(OPTIONS) as context,
            c2pa.Signer.from_info(info) as signer,
            _builder(definition, inputs, context) as builder,
        ):
            signed = io.BytesIO()
            builder.sign(signer, media_type, io.BytesIO(data), signed)
    except (c2pa.C2paError, ValueError, TypeError, OSError) as error:
        raise SigningError(f"The file could not be signed: {_first_line(error)}") from error
    found = read(signed.getvalue(), media_type)
    if found.state == INVALID:
        raise SigningError(f"The signature would not hold: {', '.join(found.failures)}.")
    return signed.getvalue()


def _builder(definition: Mapping[str, Any], inputs: Sequence[Input], context: Any) -> Any:
    """A builder with the inputs as ingredients; credentials too broken to be taken over are left out."""
    import c2pa

    plain = {number for number, given in enumerate(inputs) if not carries_credentials(given.path)}
    while True:
        builder = c2pa.Builder(_with_inputs(definition, inputs, plain), context)
        rest = [number for number in range(len(inputs)) if number not in plain]
        broken = {number for number in rest if not _added(builder, inputs[number], number)}
        if not broken:
            return builder
        builder.close()
        plain |= broken


def _added(builder: Any, given: Input, number: int) -> bool:
    import c2pa

    try:
        with cast(Path, given.path).open("rb") as file:
            builder.add_ingredient(_ingredient(given, number), _media_type(given.path), file)
    except (c2pa.C2paError, OSError):
        return False
    return True


def _with_inputs(definition: Mapping[str, Any], inputs: Sequence[Input], plain: set[int]) -> dict[str, Any]:
    """The definition with the inputs in `plain`, which have no credentials, and an action for each part of the file."""
    placed = [
        {"action": "c2pa.placed", "parameters": {"ingredientIds": [_label(number)]}}
        for number, given in enumerate(inputs)
        if given.component
    ]
    changed = copy.deepcopy(dict(definition))
    changed["ingredients"] = [_ingredient(inputs[number], number) for number in sorted(plain)]
    for assertion in changed["assertions"]:
        if assertion["label"] == "c2pa.actions.v2":
            assertion["data"]["actions"] += placed
    return changed


def _ingredient(given: Input, number: int) -> dict[str, Any]:
    relationship = "componentOf" if given.component else "inputTo"
    about = {"title": given.title, "relationship": relationship, "label": _label(number)}
    return about | ({"format": _media_type(given.path)} if given.path else {})


def _label(number: int) -> str:
    return f"input-{number + 1}"


def carries_credentials(path: Path | None) -> bool:
    """Whether a file has room for credentials, and of a size that is taken over. Nothing is checked."""
    try:
        if path is None or path.stat().st_size > MAX_INPUT:
            return False
        with path.open("rb") as file:
            head = file.read(12)
            if xmp.kind(head) == "video/mp4":
                return 0 < _size_in_mp4(file, path.stat().st_size) <= MAX_CREDENTIALS
            return xmp.kind(head) is not None
    except OSError:
        return False


def _size_in_mp4(file: IO[bytes], size: int) -> int:
    """How many bytes of an MP4 file are boxes of C2PA, without reading the rest."""
    position = found = 0
    while position < size:
        file.seek(position)
        head = file.read(32)
        length = int.from_bytes(head[:4])
        length = int.from_bytes(head[8:16]) if length == 1 else length or size - position
        if length < 8:
            break
        found += length if head[4:8] == b"uuid" and xmp.C2PA_BOX in (head[8:24], head[16:32]) else 0
        position += length
    return found


def _media_type(path: Path | None) -> str:
    if path is None:
        return "application/octet-stream"
    try:
        with path.open("rb") as file:
            return xmp.kind(file.read(12)) or "application/octet-stream"
    except OSError:
        return "application/octet-stream"


def read(data: bytes, media_type: str) -> Credentials:
    """What is signed in a file of this media type, and whether it holds. Never fails for what the file holds."""
    import c2pa

    try:
        with (
            c2pa.Context.from_dict(OPTIONS) as context,
            c2pa.Reader(media_type, io.BytesIO(data), context=context) as reader,
        ):
            store = json.loads(reader.json())
            state = reader.get_validation_state()
    except c2pa.C2paError.ManifestNotFound:
        return Credentials(NONE)
    except c2pa.C2paError.NotSupported:
        return Credentials(NONE)
    except (c2pa.C2paError, ValueError) as error:
        return Credentials(INVALID, (_first_line(error),))
    manifest = store["manifests"].get(store.get("active_manifest"), {})
    codes = {status["code"] for status in store.get("validation_status", [])} - {UNTRUSTED}
    signature = manifest.get("signature_info", {})
    signer = ", ".join(filter(None, (signature.get("issuer"), signature.get("common_name"))))
    known = {"Valid": VALID_UNKNOWN, "Trusted": VALID_TRUSTED}.get(state or "", INVALID)
    return Credentials(known, tuple(sorted(codes)), signer, manifest)


def media_type(name: str) -> str:
    """The media type that a file's name tells, for files of other kinds than those that are signed here."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
