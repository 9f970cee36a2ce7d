"""Sample pieces of music token by token: from the states of a description's words to the codes of the sound.

Top-k sampling, classifier-free guidance and the delay pattern are those of Copet et al., "Simple and Controllable Music
Generation" (2023). Pieces longer than the model was trained on go on from their last seconds in a sliding window, as
in their code; the codes are joined, not the sound, so a joint is a frame like any other.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from music_gen import token_model
from music_gen.token_model import TokenModel

if TYPE_CHECKING:
    from torch import Tensor

FRAMES = 50  # a second
MAX_FRAMES = 30 * FRAMES  # the longest that the model was trained on
PART = 2 * FRAMES  # that a piece grows by between two looks at its codes
SPARE = 8  # frames at the end, whose sound depends on what follows: twice codec.MARGIN
CONTEXT = 10 * FRAMES  # of what went before, at the beginning of each further window
TOP_K = 250
GUIDANCE_SCALE = 3.0


def sample(
    model: TokenModel,
    text: "Tensor",
    mask: "Tensor",
    frames: int,
    seeds: Sequence[int],
    on_progress: Callable[[int, int], None],
    on_codes: Callable[["Tensor"], None] | None = None,
) -> "Tensor":
    """Sample the codes of a piece for each description: shape (pieces, codebooks, frames).

    `text` and `mask` are as in token_model.init_cache. Each piece has a random generator of its own, used as the
    library's `generate` uses it, so that a piece does not depend on the others of its batch. `on_progress(done, total)`
    is called at each token, `on_codes(codes)` with all codes so far whenever PART more
    frames can be turned into sound.
    """
    import torch

    generators = [torch.Generator(text.device).manual_seed(seed % 2**63) for seed in seeds]
    codes = torch.empty(len(seeds), len(model.delays), 0, dtype=torch.long, device=text.device)
    while (done := codes.shape[-1]) < frames:
        prompt = codes[..., max(0, done - CONTEXT) :]
        new = min(MAX_FRAMES - prompt.shape[-1], frames - done)

        def on_step(sampled, window_so_far, begin=done, before=codes):
            on_progress(begin + sampled, frames)
            ready = sampled - max(model.delays)
            if on_codes and ready > 0 and begin + ready > SPARE and (begin + ready - SPARE) % PART == 0:
                on_codes(torch.cat([before, window_so_far(ready)], dim=-1))

        window = _sample_window(model, text, mask, prompt, new, generators, on_step)
        codes = torch.cat([codes, window], dim=-1)
    return codes


def _sample_window(model, text, mask, prompt, new, generators, on_step):
    """Sample `new` frames that follow on the codes `prompt`, shape (pieces, codebooks, frames).

    `on_step(sampled, window)` is called at each token; `window(frames)` gives the first frames of what is sampled.
    """
    import torch

    tokens, is_open = _apply_delays(model, prompt, new)
    steps = tokens.shape[-1]
    cache = token_model.init_cache(model, text, mask, steps)
    first = 1 + prompt.shape[-1]
    logits = token_model.step(model, tokens[..., :first], 0, cache)
    step = token_model.make_step(model, cache, len(tokens))
    for at in range(first, steps):
        tokens[..., at] = torch.where(is_open[:, at], _sample_step(logits, generators), tokens[..., at])
        on_step(min(at - first + 1, new), partial(_aligned, model, tokens, prompt.shape[-1]))
        if at + 1 < steps:
            logits = step(tokens[..., at : at + 1], at)
    return _aligned(model, tokens, prompt.shape[-1], new)


def _aligned(model, tokens, known, frames):
    """The codes of so many frames after the `known` ones, each codebook brought back by its delay."""
    import torch

    begins = [1 + delay + known for delay in model.delays]
    return torch.stack([tokens[:, k, begin : begin + frames] for k, begin in enumerate(begins)], dim=1)


def _apply_delays(model, prompt, new):
    """The tokens of a window, codebook k shifted by its delay, and which of them are still to be sampled.

    Shapes (pieces, codebooks, steps) and (codebooks, steps). The first step is padding.
    """
    import torch

    frames = prompt.shape[-1]
    steps = 1 + frames + new + max(model.delays)
    tokens = torch.full((*prompt.shape[:2], steps), model.pad, device=prompt.device)
    is_open = torch.zeros(prompt.shape[1], steps, dtype=torch.bool, device=prompt.device)
    for codebook, delay in enumerate(model.delays):
        begin = 1 + delay
        tokens[:, codebook, begin : begin + frames] = prompt[:, codebook]
        is_open[codebook, begin + frames : begin + frames + new] = True
    return tokens, is_open


def _sample_step(logits, generators):
    """Sample a token for each piece and codebook from logits of shape (2 * pieces, codebooks, vocabulary)."""
    import torch

    cond, uncond = logits.float().chunk(2)
    guided = uncond + (cond - uncond) * GUIDANCE_SCALE
    lowest = guided.topk(min(TOP_K, guided.shape[-1])).values[..., -1:]
    probabilities = guided.masked_fill(guided < lowest, -torch.inf).softmax(-1)
    sampled = [
        torch.multinomial(rows, 1, generator=generator)
        for rows, generator in zip(probabilities, generators, strict=True)
    ]
    return torch.stack(sampled).squeeze(-1)
