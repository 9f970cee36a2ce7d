"""Google Drive: which tags are in which folder, and how a folder is listed."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core.engines import EngineError
from settings import ROOT, SettingsError
from tests.tiktok_videos.drive.support import FOLDER, fails, write_folders
from tiktok_videos import drive
from tiktok_videos.catalogue import Category
from tools.services import faults
from tools.services.drive import File


def test_folders_become_categories(settings, tmp_path):
    text = '[a]\ntags = ["#AI", "Künstliche Intelligenz"]\nfolder_id = "1Ab_c-D"\n[b]\ntags = ["x"]\nfolder_id = "2"\n'
    settings = replace(settings, drive_folders=write_folders(tmp_path, text))
    assert drive.missing(settings) is None
    assert drive.categories(settings) == [
        Category("drive", "1Ab_c-D", ("AI", "KünstlicheIntelligenz")),
        Category("drive", "2", ("x",)),
    ]


def test_without_folders_drive_is_not_set_up(settings, tmp_path):
    empty = replace(settings, drive_folders=write_folders(tmp_path, "# [a]\n"))
    absent = replace(settings, drive_folders=tmp_path / "absent.toml")
    for settings in (empty, absent):
        assert "DRIVE_FOLDERS" in drive.missing(settings)
        assert drive.folders(settings) == []


def test_the_folders_file_that_is_shipped_names_no_folders_and_its_example_is_valid(settings, tmp_path):
    shipped = ROOT / "tiktok_videos" / "folders.toml"
    assert drive.missing(replace(settings, drive_folders=shipped))
    example = re.sub(r"^# (?=\[|tags|folder_id =)", "", shipped.read_text(), flags=re.MULTILINE)
    assert len(drive.folders(replace(settings, drive_folders=write_folders(tmp_path, example)))) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[a]\ntags = ["AI"\nfolder_id = "1"\n', "line 3"),
        (b'[a]\ntags = ["caf\xe9"]\n', "line 2"),
        ("[a]\n[a]\n", "line 2"),
        ('tags = ["AI"]\n', "[tags]"),
        ('[a]\nfolder_id = "1"\n', "[a]"),
        ('[a]\ntags = "AI"\nfolder_id = "1"\n', "[a]"),
        ('[a]\ntags = []\nfolder_id = "1"\n', "[a]"),
        ('[a]\ntags = ["AI", 5]\nfolder_id = "1"\n', "[a]"),
        ('[a]\ntags = ["A/I"]\nfolder_id = "1"\n', "[a]"),
        ('[b]\ntags = ["AI"]\n', "[b]"),
        ('[b]\ntags = ["AI"]\nfolder_id = "https://drive.google.com/drive/folders/1"\n', "[b]"),
        ('[b]\ntags = ["AI"]\nfolder_id = "\' or name contains \'"\n', "[b]"),
    ],
)
def test_a_malformed_folders_file_is_an_error_that_names_the_place(settings, tmp_path, text, said):
    settings = replace(settings, drive_folders=write_folders(tmp_path, text))
    with pytest.raises(SettingsError) as caught:
        drive.folders(settings)
    assert "DRIVE_FOLDERS" in str(caught.value)
    assert said in str(caught.value)
    assert drive.missing(settings) is None
    with pytest.raises(EngineError, match=re.escape(said)):
        drive.categories(settings)


def test_the_newest_videos_of_the_folder_are_listed(server, settings):
    server.files += [
        File("old", "folder-1", b"1", "Old.mp4", "2024-01-01T00:00:00.000Z"),
        File("newest", "folder-1", b"22", "Ünïcode\x07 clip.MOV", "2026-03-01T12:00:00.500Z"),
        File("middle", "folder-1", b"333", "Middle", "2025-01-01T00:00:00.000Z"),
        File("elsewhere", "folder-2", b"4", modified="2026-04-01T00:00:00.000Z"),
        File("text", "folder-1", b"4", mime="text/plain", modified="2026-04-01T00:00:00.000Z"),
        File("bin", "folder-1", b"4", trashed=True, modified="2026-04-01T00:00:00.000Z"),
    ]
    videos = drive.videos(FOLDER, 2, settings)
    assert [(video.key, video.title, video.size) for video in videos] == [
        ("newest", "Ünïcode clip", 2),
        ("middle", "Middle", 3),
    ]
    assert videos[0].modified == 1772366400.5
    assert videos[0].checksum == "b6d767d2f8ed5d21a44b0e5886680cb9"


def test_listing_turns_pages_until_it_has_enough(server, settings):
    server.files += [File(f"clip-{day}", "folder-1", modified=f"2026-01-0{day}T00:00:00Z") for day in range(1, 8)]
    server.page = 2
    assert [video.key for video in drive.videos(FOLDER, 3, settings)] == ["clip-7", "clip-6", "clip-5"]
    assert len(server.listings()) == 2


def test_pages_without_end_end_in_time(server, settings):
    server.fail(faults.answers(200, {"files": [], "nextPageToken": "p0"}), path="/files")
    assert "within 1 s" in fails(lambda: drive.videos(FOLDER, 3, settings))


def test_a_folder_id_with_quotes_asks_for_that_folder_only(server, settings):
    drive_id = "a' in parents or name contains '\\"
    fails(lambda: drive.videos(replace(FOLDER, key=drive_id), 3, settings))
    assert server.listings()[0].query["q"].startswith(r"'a\' in parents or name contains \'\\' in parents and ")


@pytest.mark.parametrize("about", [{"id": "../../etc/passwd"}, {"id": ""}, {"md5Checksum": "/../x"}, {"id": ["a"]}])
def test_a_file_whose_id_is_no_id_is_refused(server, settings, about):
    server.files.append(File("clip-1", "folder-1", about=about))
    assert "makes no sense" in fails(lambda: drive.videos(FOLDER, 3, settings))


def test_one_token_serves_many_calls(server, settings):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: drive.videos(FOLDER, 3, settings), range(8)))
    assert len(server.tokens) == 1


def test_a_token_that_was_withdrawn_is_asked_for_again(server, settings):
    drive.videos(FOLDER, 3, settings)
    server.tokens.append("another")
    drive.videos(FOLDER, 3, settings)
    assert len(server.tokens) == 3
