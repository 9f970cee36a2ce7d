"""What several packages do to texts."""


def replace_surrogates(text: str) -> str:
    """Put "?" in the place of lone surrogates, which JSON may hold and no encoder, hash or tokenizer takes."""
    return text.encode(errors="replace").decode()
