"""Draw pieces of music token by token: from the states of a description's words to the codes of the sound.

Top-k sampling, classifier-free guidance and the delay pattern are those of Copet et al., "Simple and Controllable Music
Generation" (2023). Pieces longer than the model was trained on go on from their last seconds in a sliding window, as
in their code; the codes are joined, not the sound, so a joint is a frame like any other.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from music_gen import token_model
from music_gen.token_model import TokenModel

if TYPE_CHECKING:
    from torch import Tensor

FRAMES = 50  # a second
WINDOW = 30 * FRAMES  # the longest that the model was trained on
CONTEXT = 10 * FRAMES  # of what went before, at the beginning of each further window
TOP_K = 250
GUIDANCE = 3.0


def draw(
    model: TokenModel,
    text: "Tensor",
    mask: "Tensor",
    frames: int,
    seeds: Sequence[int],
    watch: Callable[[int, int], None],
) -> "Tensor":
    """Draw the codes of a piece for each description: shape (pieces, codebooks, frames).

    `text` and `mask` are as in token_model.remember. Each piece has dice of its own, thrown as the library's `generate`
    throws them, so that a piece does not depend on those it is drawn together with. `watch(done, total)` is called
    at each token.
    """
    import torch

    dice = [torch.Generator(text.device).manual_seed(seed % 2**63) for seed in seeds]
    codes = torch.empty(len(seeds), len(model.delays), 0, dtype=torch.long, device=text.device)
    while (done := codes.shape[-1]) < frames:
        known = codes[..., max(0, done - CONTEXT) :]
        new = min(WINDOW - known.shape[-1], frames - done)
        window = _draw_window(model, text, mask, known, new, dice, lambda drawn, d=done: watch(d + drawn, frames))
        codes = torch.cat([codes, window], dim=-1)
    return codes


def _draw_window(model, text, mask, known, new, dice, watch):
    """Draw `new` frames that follow on the codes `known`, shape (pieces, codebooks, frames)."""
    import torch

    tokens, is_open = _lay_out(model, known, new)
    steps = tokens.shape[-1]
    memory = token_model.remember(model, text, mask, steps)
    first = 1 + known.shape[-1]
    logits = token_model.step(model, tokens[..., :first], 0, memory)
    advance = token_model.stepper(model, memory, len(tokens))
    for at in range(first, steps):
        tokens[..., at] = torch.where(is_open[:, at], _throw(logits, dice), tokens[..., at])
        watch(min(at - first + 1, new))
        if at + 1 < steps:
            logits = advance(tokens[..., at : at + 1], at)
    begins = [1 + delay + known.shape[-1] for delay in model.delays]
    return torch.stack([tokens[:, k, begin : begin + new] for k, begin in enumerate(begins)], dim=1)


def _lay_out(model, known, new):
    """The tokens of a window, codebook k shifted by its delay, and which of them are still to be drawn.

    Shapes (pieces, codebooks, steps) and (codebooks, steps). The first step is padding.
    """
    import torch

    frames = known.shape[-1]
    steps = 1 + frames + new + max(model.delays)
    tokens = torch.full((*known.shape[:2], steps), model.pad, device=known.device)
    is_open = torch.zeros(known.shape[1], steps, dtype=torch.bool, device=known.device)
    for codebook, delay in enumerate(model.delays):
        begin = 1 + delay
        tokens[:, codebook, begin : begin + frames] = known[:, codebook]
        is_open[codebook, begin + frames : begin + frames + new] = True
    return tokens, is_open


def _throw(logits, dice):
    """Draw a token for each piece and codebook from logits of shape (2 * pieces, codebooks, vocabulary)."""
    import torch

    described, free = logits.float().chunk(2)
    wanted = free + (described - free) * GUIDANCE
    least = wanted.topk(min(TOP_K, wanted.shape[-1])).values[..., -1:]
    chances = wanted.masked_fill(wanted < least, -torch.inf).softmax(-1)
    drawn = [torch.multinomial(rows, 1, generator=own) for rows, own in zip(chances, dice, strict=True)]
    return torch.stack(drawn).squeeze(-1)
