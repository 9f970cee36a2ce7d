"""XMP metadata in PNG, WAV and MP4 files.

Sources: ISO 16684-1 (XMP), Adobe's XMP Specification Part 3 (where it is kept), the PNG Specification (W3C),
Multimedia Programming Interface 1.0 (RIFF), ISO/IEC 14496-12 (boxes).
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree  # of what `parse` has looked at # nosec B405
from xml.sax.saxutils import quoteattr  # it parses nothing # nosec B406

NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "trendtok": "urn:trendtok-studio:1.0:",
}
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MAX_PACKET = 1024**2  # bytes
PNG = b"\x89PNG\r\n\x1a\n"
PNG_KEYWORD = b"XML:com.adobe.xmp\0"
XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
INFO = {"ISFT": "xmp:CreatorTool", "ICRD": "xmp:CreateDate", "ICMT": "Iptc4xmpExt:DigitalSourceType"}


class MalformedError(ValueError):
    """A file is not what it seems to be, or too broken to be read."""


def kind(data: bytes) -> str | None:
    """The media type of a file by its first bytes: image/png, audio/wav, video/mp4, or None."""
    if data.startswith(PNG):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    return "video/mp4" if data[4:8] == b"ftyp" else None


def embed(data: bytes, fields: Mapping[str, str]) -> bytes:
    """A PNG, WAV or MP4 file with an XMP packet of these fields in place of what it had; the media stay as they are.

    Names are of the form `dc:format`, with the prefixes of NAMESPACES. A WAV file gets the fields of INFO as LIST/INFO
    too. Raises MalformedError for any other file, and for one that is broken.
    """
    match kind(data):
        case "image/png":
            return _embed_png(data, packet(fields))
        case "audio/wav":
            return _embed_wav(data, packet(fields), fields)
        case "video/mp4":
            return _embed_mp4(data, packet(fields))
    raise MalformedError("This is neither a PNG, nor a WAV, nor an MP4 file.")


def extract(data: bytes) -> dict[str, str]:
    """The fields of a file's XMP packet that are plain texts in NAMESPACES; empty where there is no packet.

    Raises MalformedError where the file or its packet is broken.
    """
    found = _find(data)
    return parse(found) if found else {}


def _find(data: bytes) -> bytes | None:
    match kind(data):
        case "image/png":
            texts = (body for name, body, _ in _chunks_png(data) if name == b"iTXt" and body.startswith(PNG_KEYWORD))
            return next((text.split(b"\0", 5)[-1] for text in texts if text.count(b"\0") >= 5), None)
        case "audio/wav":
            return next((body for name, body, _ in _chunks_wav(data) if name == b"_PMX"), None)
        case "video/mp4":
            boxes = (data[start + head : end] for name, start, head, end in boxes_mp4(data) if name == b"uuid")
            return next((body[16:] for body in boxes if body.startswith(XMP_BOX)), None)
    return None


def packet(fields: Mapping[str, str]) -> bytes:
    """An XMP packet with these fields, each a text."""
    prefixes = {name.partition(":")[0] for name in fields}
    spaces = "".join(f" xmlns:{prefix}={quoteattr(NAMESPACES[prefix])}" for prefix in sorted(prefixes))
    values = "".join(f"\n   {name}={quoteattr(_printable(value))}" for name, value in fields.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF xmlns:rdf="{RDF}">\n'
        f'  <rdf:Description rdf:about=""{spaces}{values}/>\n'
        ' </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="r"?>'
    ).encode()


def _printable(text: str) -> str:
    """Without what XML 1.0 cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c < "\ufffe"))


def parse(found: bytes) -> dict[str, str]:
    """The plain text fields of an XMP packet. Raises MalformedError where it is broken, or more than a packet."""
    if len(found) > MAX_PACKET or b"<!" in found:  # entities could grow without end
        raise MalformedError("The XMP packet is too large, or declares what it must not.")
    try:
        root = ElementTree.fromstring(found.strip(b" \r\n\t\0"))  # noqa: S314 nothing is declared in it # nosec B314
    except (ElementTree.ParseError, ValueError) as error:
        raise MalformedError(f"The XMP packet is broken: {error}.") from error
    prefixes = {uri: prefix for prefix, uri in NAMESPACES.items()}
    fields = {}
    for description in root.iter(f"{{{RDF}}}Description"):
        children = {child.tag: child.text or "" for child in description if not len(child)}
        for name, value in {**description.attrib, **children}.items():
            uri, _, local = name.lstrip("{").partition("}")
            if uri in prefixes:
                fields[f"{prefixes[uri]}:{local}"] = value
    return fields


def _chunks_png(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The name, the body and the whole of each chunk."""
    position = len(PNG)
    while position < len(data):
        (size,) = struct.unpack(">I", _piece(data, position, 4))
        whole = _piece(data, position, size + 12)
        yield whole[4:8], whole[8:-4], whole
        position += len(whole)


def _embed_png(data: bytes, text: bytes) -> bytes:
    body = PNG_KEYWORD + b"\0\0\0\0" + text  # not compressed, no language, no translated keyword
    new = struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
    parts = [PNG]
    for name, content, whole in _chunks_png(data):
        if not (name == b"iTXt" and content.startswith(PNG_KEYWORD)):
            parts.append(whole)
        if name == b"IHDR":
            parts.append(new)
    return b"".join(parts)


def _chunks_wav(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The name, the body and the whole of each chunk; some programs leave out the last chunk's padding."""
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack("<4sI", _piece(data, position, 8))
        body = _piece(data, position + 8, size)
        yield name, body, data[position : position + 8] + body + b"\0" * (size % 2)
        position += 8 + size + size % 2


def _embed_wav(data: bytes, text: bytes, fields: Mapping[str, str]) -> bytes:
    info = b"INFO" + b"".join(
        _riff(name.encode(), fields[field].encode() + b"\0") for name, field in INFO.items() if field in fields
    )
    kept = [
        whole
        for name, body, whole in _chunks_wav(data)
        if name != b"_PMX" and not (name == b"LIST" and body.startswith(b"INFO"))
    ]
    body = b"WAVE" + b"".join(kept) + _riff(b"LIST", info) + _riff(b"_PMX", text)
    return _riff(b"RIFF", body)


def _riff(name: bytes, body: bytes) -> bytes:
    if len(body) > 0xFFFFFFFF:
        raise MalformedError("A WAV file holds 4 GB at most.")
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)


def boxes_mp4(data: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """The name of each outermost box, where it starts, the size of its head, and where it ends."""
    position = 0
    while position < len(data):
        size, name = struct.unpack(">I4s", _piece(data, position, 8))
        head = 8
        if size == 1:
            head, (size,) = 16, struct.unpack(">Q", _piece(data, position + 8, 8))
        elif size == 0:  # up to the end of the file
            size = len(data) - position
        if not head <= size <= len(data) - position:
            raise MalformedError("The file is cut off or broken.")
        yield name, position, head, position + size
        position += size


def _embed_mp4(data: bytes, text: bytes) -> bytes:
    """The packet goes to the end: what comes before it stays where its tables of offsets say that it is."""
    parts = []
    for name, start, head, end in boxes_mp4(data):
        if not (name == b"uuid" and data[start + head : start + head + 16] == XMP_BOX):
            parts.append(_sized(data[start:end]))
        elif end != len(data):
            parts.append(struct.pack(">I4s", end - start, b"free") + bytes(end - start - 8))
    box = XMP_BOX + text
    return b"".join(parts) + struct.pack(">I4s", len(box) + 8, b"uuid") + box


def _sized(box: bytes) -> bytes:
    """A box that says where it ends: one without a size is the last of a file, which it no longer is."""
    if box[:4] != b"\0\0\0\0":
        return box
    if len(box) > 0xFFFFFFFF:
        raise MalformedError("The file is too large to be marked.")
    return struct.pack(">I", len(box)) + box[4:]


def _piece(data: bytes, start: int, size: int) -> bytes:
    piece = data[start : start + size]
    if len(piece) < size:
        raise MalformedError("The file is cut off or broken.")
    return piece
