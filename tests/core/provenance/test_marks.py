"""What a published file says of how it was made: valid, true, and no more than is wanted."""

import json
from dataclasses import replace

import pytest

from core import manifest, provenance, xmp
from core.manifest import Input
from core.provenance import Origin
from tests.core.provenance.support import COMPOSER, MUSICGEN, RULES, TRAINED, active, marked, stored, with_credentials
from tests.core.test_xmp import decoded, mp4, png, wav

DRAFT = Origin((COMPOSER, MUSICGEN), 7, composite=True)


@pytest.fixture
def plain(name, tmp_path):
    return {".png": png, ".wav": wav, ".mp4": lambda: mp4(tmp_path)}[name[-4:]]()


def created(data):
    (actions,) = (a for a in active(data)["assertions"] if a["label"] == "c2pa.actions.v2")
    (action,) = (a for a in actions["data"]["actions"] if a["action"] == "c2pa.created")
    return action


def test_each_kind_of_file_is_valid_to_c2pas_own_reader_and_its_signer_unknown(plain, name, settings):
    result = provenance.mark(plain, name, TRAINED, settings)
    store = stored(result.data)
    assert store["validation_state"] == "Valid"
    assert [status["code"] for status in store["validation_status"]] == ["signingCredential.untrusted"]
    assert result.claim["credentials"] == "valid, signer unknown"


def test_what_is_seen_and_heard_stays_as_it_was(plain, name, settings, tmp_path):
    assert decoded(marked(plain, name, TRAINED, settings), tmp_path) == decoded(plain, tmp_path)


def test_one_changed_byte_of_the_media_is_noticed(plain, name, settings, tmp_path):
    data = bytearray(marked(plain, name, TRAINED, settings))
    media = {".png": b"IDAT", ".wav": b"data", ".mp4": b"mdat"}[name[-4:]]
    data[data.index(media) + 40] ^= 1
    assert stored(bytes(data))["validation_state"] == "Invalid"
    path = tmp_path / name
    path.write_bytes(data)
    assert provenance.lines(provenance.read(path, settings))[0].startswith("content credentials: not valid")


@pytest.mark.parametrize(
    ("origin", "source_type"),
    [
        (TRAINED, "trainedAlgorithmicMedia"),
        (RULES, "algorithmicMedia"),
        (DRAFT, "compositeWithTrainedAlgorithmicMedia"),
        (replace(DRAFT, makers=(COMPOSER,)), "algorithmicMedia"),
    ],
)
def test_the_metadata_and_the_signed_manifest_agree(plain, name, settings, origin, source_type):
    data = marked(plain, name, origin, settings)
    fields, action = xmp.extract(data), created(data)
    assert (
        fields["Iptc4xmpExt:DigitalSourceType"] == action["digitalSourceType"] == provenance.SOURCE_TYPES + source_type
    )
    assert fields["trendtok:Seed"] == str(action["parameters"]["trendtok.seed"]) == "7"
    assert fields["xmp:CreateDate"] == action["when"]
    (signed,) = (a["data"] for a in active(data)["assertions"] if a["label"] == "cawg.metadata")
    assert {k: v for k, v in signed.items() if k != "@context"} == {
        k: v for k, v in fields.items() if k.startswith("Iptc4xmpExt")
    }


def test_a_model_is_named_with_its_revision(plain, name, settings):
    data = marked(plain, name, TRAINED, settings)
    assert created(data)["softwareAgent"] == {"name": "MusicGen", "version": "facebook/musicgen-small@4c8334b"}
    assert xmp.extract(data)["Iptc4xmpExt:AISystemUsed"] == "MusicGen"


def test_what_rules_made_never_says_trained(plain, name, settings):
    data = marked(plain, name, RULES, settings)
    said = json.dumps(active(data)) + json.dumps(xmp.extract(data)) + json.dumps(provenance.claim(RULES))
    assert "trained" not in said.lower()
    assert b"trainedalgorithmicmedia" not in data.lower()


def test_the_prompt_stays_out_unless_it_is_wanted(plain, name, settings):
    assert b"secret wish" not in marked(plain, name, TRAINED, settings)
    wanted = marked(plain, name, TRAINED, replace(settings, provenance_prompt=True))
    assert xmp.extract(wanted)["Iptc4xmpExt:AIPromptInformation"] == "a secret wish"
    assert wanted.count(b"secret wish") == 2


def test_what_it_was_made_from_is_listed_and_keeps_its_own_credentials(plain, name, settings, tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(marked(mp4(tmp_path), "clip.mp4", RULES, settings))
    made = replace(TRAINED, inputs=(Input("My clip", clip), Input("A clip of the library")))
    store = stored(marked(plain, name, made, settings))
    listed = {one["title"]: one for one in store["manifests"][store["active_manifest"]]["ingredients"]}
    assert store["validation_state"] == "Valid"
    assert set(listed) == {"My clip", "A clip of the library"}
    assert listed["My clip"]["active_manifest"] in store["manifests"]
    assert "active_manifest" not in listed["A clip of the library"]
    assert {one["relationship"] for one in listed.values()} == {"inputTo"}


def test_the_parts_of_a_draft_are_components_that_were_placed(settings, tmp_path):
    music = tmp_path / "music.wav"
    music.write_bytes(marked(wav(), "music.wav", TRAINED, settings))
    draft = replace(DRAFT, inputs=(Input("music.wav", music, component=True),))
    data = marked(mp4(tmp_path), "draft.mp4", draft, settings)
    (part,) = active(data)["ingredients"]
    assert (part["relationship"], "active_manifest" in part) == ("componentOf", True)
    (actions,) = (a["data"]["actions"] for a in active(data)["assertions"] if a["label"] == "c2pa.actions.v2")
    assert [action["action"] for action in actions] == ["c2pa.created", "c2pa.placed"]
    assert stored(data)["validation_state"] == "Valid"


def nested(depth):
    description = b"\0\0\0\x26jumd" + bytes.fromhex("6332706100110010800000AA00389B71") + b"\x03" + b"c2pa" * 3 + b"\0"
    sizes = [(8 + len(description)) * (n + 1) for n in range(depth)]
    return b"".join(size.to_bytes(4) + b"jumb" + description for size in reversed(sizes))


@pytest.mark.parametrize(
    "broken",
    [
        lambda film: with_credentials(film, b"\xff" * 5000),
        lambda film: with_credentials(film, nested(50_000)),
        lambda film: with_credentials(film, bytes(manifest.MAX_CREDENTIALS)),
        lambda film: film[: len(film) // 2],
        lambda _: b"",
        lambda _: b"\0\0\0\x08ftyp" + b"\xff" * 100,
        lambda _: b"\0\0\0\x00ftypmp42",
    ],
    ids=["rubbish", "nested", "huge", "cut off", "empty", "a box that is too large", "a box without a size"],
)
def test_an_upload_whose_credentials_are_broken_is_listed_without_them(broken, settings, tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(broken(mp4(tmp_path)))
    data = marked(wav(), "music.wav", replace(TRAINED, inputs=(Input("My clip", clip),)), settings)
    assert [one["title"] for one in active(data)["ingredients"]] == ["My clip"]
    assert stored(data)["validation_state"] == "Valid"


def test_credentials_that_no_longer_hold_are_listed_as_such(settings, tmp_path):
    film = bytearray(marked(mp4(tmp_path), "clip.mp4", RULES, settings))
    film[film.index(b"mdat") + 40] ^= 1
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(film)
    data = marked(wav(), "music.wav", replace(TRAINED, inputs=(Input("My clip", clip),)), settings)
    (given,) = active(data)["ingredients"]
    codes = [status["code"] for status in given["validation_results"]["activeManifest"]["failure"]]
    assert "assertion.bmffHash.mismatch" in codes


def test_an_input_that_is_gone_is_listed_by_its_title(settings, tmp_path):
    made = replace(TRAINED, inputs=(Input("My clip", tmp_path / "gone.mp4"),))
    assert [one["title"] for one in active(marked(wav(), "music.wav", made, settings))["ingredients"]] == ["My clip"]
