"""Hashtags: their sign, and the words that are written together."""

import pytest

from core import hashtags


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("AI", "AI"),
        ("NASA", "NASA"),
        ("#NASA", "NASA"),
        ("COOKING", "cooking"),
        ("ootd", "ootd"),
        ("MachineLearning", "machine learning"),
        ("RecipeOfTheDay", "recipe of the day"),
        ("AITools", "AI tools"),
        ("aiTools", "ai tools"),
        ("VeganBBQRecipe", "vegan BBQ recipe"),
        ("ChatGPT", "chat GPT"),
        ("NewToNASA", "new to NASA"),
        ("DIYs", "DIYs"),
        ("DIYsForKids", "DIYs for kids"),
        ("KPop", "k pop"),
        ("MyBigASMRDay", "my big ASMR day"),
        ("Y2KStyle", "Y2K style"),
        ("B2BSales", "B2B sales"),
        ("90sFashion", "90s fashion"),
        ("90s", "90s"),
        ("3DPrinting", "3D printing"),
        ("3D", "3D"),
        ("1stDate", "1st date"),
        ("5AMClub", "5 AM club"),
        ("5MinuteMeals", "5 minute meals"),
        ("100DaysOfCode", "100 days of code"),
        ("2024Looks", "2024 looks"),
        ("covid19", "covid 19"),
        ("GPT4Tips", "GPT 4 tips"),
        ("iPhoneTips", "iphone tips"),
        ("iOS18", "ios 18"),
        ("food_hacks", "food hacks"),
        ("travel tips", "travel tips"),
        ("CaféHopping", "café hopping"),
        ("Cafe\u0301Hopping", "café hopping"),
        ("РецептДня", "рецепт дня"),
        ("हिन्दी", "हिन्दी"),
        ("旅行", "旅行"),
        ("旅行Vlog", "旅行 vlog"),
        ("_", ""),
        ("", ""),
    ],
)
def test_a_tag_is_read_as_its_words(tag, words):
    assert hashtags.words(tag) == words


@pytest.mark.parametrize("typed", ["AI", "#AI", " #AI ", "＃AI", "##AI", "# AI"])
def test_a_tag_has_one_sign_or_none(typed):
    assert (hashtags.bare(typed), hashtags.tagged(typed)) == ("AI", "#AI")


def test_a_tag_of_several_words_is_posted_as_one():
    assert hashtags.tagged("machine learning") == "#MachineLearning"
