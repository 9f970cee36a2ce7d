"""A prompt is fitted into what the text encoder reads."""

import pytest

from animate_text.prompt_fitting import fit
from tests.stable_diffusion import load_for_cpu

pytestmark = pytest.mark.usefixtures("one_thread")


def count_letters(text):
    return len(text)


@pytest.mark.parametrize(
    ("prompt", "kept", "dropped"),
    [
        ("a cat", "a cat", ""),
        ("  a \n cat ", "a cat", ""),
        ("a cat, on a mat, in the warm light", "a cat, on a mat", "in the warm light"),
        ("A cat sits. On a mat. In the light", "A cat sits.", "On a mat. In the light"),
        ("a very long clause without any end", "a very long clause", "without any end"),
        ("pneumonoultramicroscopicosis", "", "pneumonoultramicroscopicosis"),
        ("", "", ""),
    ],
)
def test_the_end_of_a_prompt_is_dropped_by_clauses_then_by_words(prompt, kept, dropped):
    assert fit(prompt, count_letters, 20) == (kept, dropped)


def test_no_prompt_has_more_tokens_than_the_text_encoder_reads(folders):
    tokenizer = load_for_cpu(folders["plain"]).pipeline.tokenizer

    def count(text):
        return len(tokenizer(text, verbose=False).input_ids)

    kept, dropped = fit("a cat on a mat, " * 20, count, 77)
    assert 60 < count(kept) <= 77
    assert f"{kept}, {dropped}" == ("a cat on a mat, " * 20).strip()
