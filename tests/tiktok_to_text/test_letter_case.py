"""Capitals that were read as small letters."""

import pytest

from tiktok_to_text.letter_case import even


@pytest.mark.parametrize(
    ("read", "shown"),
    [
        ("8 MInUtes", "8 MINUTES"),
        ("15 miNUTE", "15 MINUTE"),
        ("WhICh ShADE Are YoU?", "WHICH SHADE ARE YOU?"),
        ("WOW So SMooth", "WOW SO SMOOTH"),
        ("COFFEE PRooF", "COFFEE PROOF"),
        ("MEHR CAFé", "MEHR CAFÉ"),
        ("ПРИвЕТ МИР", "ПРИВЕТ МИР"),
    ],
)
def test_a_line_with_a_word_that_nobody_writes_so_is_in_capitals(read, shown):
    assert even(read) == shown


@pytest.mark.parametrize(
    "line",
    [
        "Wait for it",
        "HOW I SAVE MONEY",
        "Don't GO without cash",
        "TOP 5 iPhone TRICKS",
        "YouTube vs TikTok",
        "macOS, iOS and ChatGPT",
        "CHEAP GPUs",
        "WiFi and LinkedIn for a PhD",
        "my McDonald's hack",
        "@xXgamerXx won",
        "#AIforGood at aIb.cOm",
        "今日はTikTok",
        "三 60 30 10",
        "",
    ],
)
def test_other_lines_stay_as_they_were_read(line):
    assert even(line) == line


def test_names_keep_their_case_in_a_line_of_capitals():
    assert even("TikTok MInUtes ON iPhone FOR @hANna") == "TikTok MINUTES ON iPhone FOR @hANna"
