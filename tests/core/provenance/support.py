"""What the tests of provenance have in common."""

import io
import json

import c2pa

from core import provenance, xmp
from core.provenance import Maker, Origin

MUSICGEN = Maker("MusicGen", True, "facebook/musicgen-small", "4c8334b")
COMPOSER = Maker("TrendTok composer", False)
RULES = Origin((COMPOSER,), 7, prompt="a secret wish")
TRAINED = Origin((MUSICGEN,), 7, prompt="a secret wish")


def stored(data):
    """What c2pa's own reader, with its own settings, says of a file: the store of manifests."""
    with c2pa.Reader(xmp.kind(data), io.BytesIO(data)) as reader:
        return json.loads(reader.json())


def active(data):
    store = stored(data)
    return store["manifests"][store["active_manifest"]]


def marked(data, name, origin, settings):
    result = provenance.mark(data, name, origin, settings)
    assert result.warnings == ()
    return result.data


def with_credentials(film, payload):
    """A film with a box of C2PA that holds anything."""
    start = int.from_bytes(film[:4])
    body = xmp.C2PA_BOX + b"\0\0\0\0manifest\0" + bytes(8) + payload
    return film[:start] + (len(body) + 8).to_bytes(4) + b"uuid" + body + film[start:]
