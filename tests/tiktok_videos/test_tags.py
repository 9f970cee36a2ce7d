"""Tags as people type them, and which category a tag that nobody used is nearest to."""

import pytest

from tiktok_videos.tags import TagError, clean, nearest

CATEGORIES = {
    "technology": ("AI", "MachineLearning", "TechInnovation"),
    "food": ("Foodie", "RecipeOfTheDay", "CookingHacks"),
    "beauty": ("MakeupTutorial", "BeautyHacks", "SkincareRoutine"),
    "fashion": ("OOTD", "FashionInspo", "StyleTips"),
    "travel": ("TravelVlog", "HiddenGems", "TravelTips"),
}
BELONGING = {
    "technology": "ArtificialIntelligence robots deeplearning neuralnetworks programming gadgets technology "
    "coding software",
    "food": "pasta dinner baking recipes streetfood cooking vegan kitchen cafe foodtok soup",
    "beauty": "lipstick skincare makeup beauty eyeliner moisturizer glowup nails",
    "fashion": "outfit fashion streetwear dresses style clothes sneakers jewelry",
    "travel": "backpacking vacation travel wanderlust beach hotels roadtrip hiking flights",
}
BELONGING_NOWHERE = """football quantumphysics mortgage dogs cats guitar chess politics knitting crypto motorcycle yoga
    divorce algebra gardening basketball news weather xyzzy plumbing wrestling taxes dinosaurs minecraft anime qwertz
    parenting church astronomy fishing zzzzz f1racing""".split()


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        (["#AI"], ("AI",)),
        (["  ##ai "], ("ai",)),
        (["machine learning"], ("machinelearning",)),
        (["AI", "ai", "#Ai"], ("AI",)),
        (["", " ", "#", "food"], ("food",)),
        (["日本語", "हिन्दी", "café", "мода", "تقنية"], ("日本語", "हिन्दी", "café", "мода", "تقنية")),
        (["ＡＩ"], ("AI",)),
        (["snake_case_2"], ("snake_case_2",)),
        (["a" * 50], ("a" * 50,)),
    ],
)
def test_tags_are_cleaned(typed, cleaned):
    assert clean(typed) == cleaned


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ([], "at least one"),
        (["", "#", "   "], "at least one"),
        ([f"tag{number}" for number in range(11)], "at most 10"),
        (["a" * 51], "at most 50"),
        (["<script>"], "only letters"),
        (["../../etc/passwd"], "only letters"),
        (["a'; DROP TABLE videos"], "only letters"),
        (["🔥"], "only letters"),
        (["nul\0byte"], "only letters"),
        (["\u0301"], "only letters"),
    ],
)
def test_tags_that_cannot_be_used_are_refused_with_the_reason(typed, reason):
    with pytest.raises(TagError, match=reason):
        clean(typed)


def test_an_unknown_tag_goes_to_the_category_nearest_in_meaning():
    names, shelves = list(CATEGORIES), list(CATEGORIES.values())
    pairs = [(tag, category) for category, tags in BELONGING.items() for tag in tags.split()]
    right = [
        tag for tag, category in pairs if (index := nearest(tag, shelves)) is not None and names[index] == category
    ]
    assert len(pairs) == 45
    assert len(right) >= 38, sorted(right)


@pytest.mark.parametrize("tag", BELONGING_NOWHERE)
def test_a_tag_of_another_world_goes_nowhere(tag):
    assert nearest(tag, list(CATEGORIES.values())) is None


def test_nothing_is_near_where_there_are_no_categories():
    assert nearest("AI", []) is None
