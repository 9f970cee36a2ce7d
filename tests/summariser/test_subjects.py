"""What a clip is about, of all that it names."""

import pytest

from settings import Settings
from summariser import BriefRequest, extractive, keywords, subjects

PUPPY = "Your puppy bites because its teeth hurt. Give it a frozen carrot. Nobody has to shout."
CAR = "Wash the car with two buckets, one for soap and one for rinsing. Start at the roof. Dry it at once."
VAN = "We lived in a van for four months and spent less than our rent. The bed folds up."


def about(text, title=""):
    sentences = [sentence.text for sentence in subjects.split(text)]
    found = keywords.subjects(keywords.candidates([sentences], [[]]))
    request = BriefRequest((text,), ("",), titles=(title,))
    return [keyword.text for keyword in subjects.main_subjects(found, subjects.heads(request, None))]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (PUPPY, "puppy"),
        (CAR, "car"),
        (VAN, "van"),
        ("Draw the wing of your eyeliner with the eye open. Fill the gap.", "eyeliner"),
        ("Pull the slack out of the bar. Keep your back flat.", "bar"),
    ],
    ids=["named first", "not what it is done with", "only in a phrase", "not a part", "not what comes out of it"],
)
def test_it_is_about_what_it_names_first_and_not_what_goes_with_that(text, first):
    assert about(text)[0] == first


def test_what_comes_again_or_has_several_words_goes_before_what_is_named_first():
    assert about("The seams tell you all. Vintage jeans have two seams. Check the seams.")[0] == "seams"
    assert about("Check the label of your vintage jeans. Vintage jeans are sold by waist.")[0] == "vintage jeans"


def test_a_title_goes_before_the_first_sentence():
    assert about("Here is my kitchen. Boil the potatoes first.", "Crispy potatoes")[0].endswith("potatoes")


def test_the_ideas_of_a_clip_are_about_it():
    titles = [idea.title for idea in extractive.write(BriefRequest((PUPPY,), ("",)), Settings()).ideas]
    assert sum("Puppy" in title for title in titles) >= 2 and not any("Teeth" in title for title in titles)
