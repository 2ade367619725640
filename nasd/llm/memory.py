"""How much memory a model takes on this machine, from the head of its file."""

from __future__ import annotations

from dataclasses import dataclass

from nasd.llm.gguf import Header

BATCH = 64
"""Tokens of a prompt read in one step. Between steps a reply can be stopped, so on a slow processor a step
must stay well below a second; larger ones are hardly quicker on processors and take more memory."""

KEPT_PROMPTS = 256 << 20
"""Bytes of prompts that are kept besides the one at hand, so that two conversations in turns are not read
anew each time. The runtime's own default is 8 GB."""

CHECKPOINTS = 8
"""Models with a recurrent state cannot go back to where two prompts part; they keep the state of so many
places instead."""

PROCESS = 160 << 20
"""Python, the runtime's code and its vocabulary: 90 to 130 MB were measured without a model."""

_F16 = 2
_F32 = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Bytes. `weights` are mapped from the file: the system may drop and read them again, slowly. `state` is
    what attention remembers of a full context, `working` the scratch space and the process itself."""

    weights: int
    state: int
    working: int

    @property
    def total(self) -> int:
        return self.weights + self.state + self.working

    @property
    def private(self) -> int:
        """What no file stands behind."""
        return self.state + self.working


def footprint(header: Header, context: int) -> Footprint:
    """An estimate, rather too high than too low, with 16-bit attention state and one reply at a time."""
    width = header.of("embedding_length") or 4096
    vocabulary = header.lengths.get("tokenizer.ggml.tokens") or header.of("vocab_size") or 256_000
    inner = max(header.by_layer("feed_forward_length", header.of("block_count") or 1, 4 * width))
    working = BATCH * _F32 * (vocabulary + 8 * width + 3 * inner) + BATCH * context * (_F16 + _F32)
    return Footprint(
        weights=header.bytes,
        state=_attention(header, context) + _recurrent(header),
        working=working + min(KEPT_PROMPTS, _attention(header, context)) + PROCESS,
    )


def _attention(header: Header, context: int) -> int:
    layers = header.of("block_count") or 1
    heads = header.by_layer("attention.head_count", layers, 32)
    width = (header.of("embedding_length") or 4096) // max(*heads, 1)
    groups = header.by_layer("attention.head_count_kv", layers, max(heads))
    keys = header.of("attention.key_length") or width
    values = header.of("attention.value_length") or width
    near_keys = header.of("attention.key_length_swa") or keys
    near_values = header.of("attention.value_length_swa") or values
    window = header.of("attention.sliding_window")
    every = header.of("full_attention_interval")  # other layers remember a fixed amount only
    shared = header.of("attention.shared_kv_layers") or 0  # the last ones use those of earlier layers
    total = 0
    for layer in range(layers - min(shared, layers - 1)):
        if every and (layer + 1) % every:
            continue
        if window and _is_near(header, layer):
            cells = min(context, window + BATCH)
            total += cells * groups[layer] * (near_keys + near_values) * _F16
        else:
            total += context * groups[layer] * (keys + values) * _F16
    return total


def _is_near(header: Header, layer: int) -> bool:
    """Whether the layer sees no further than the window. A model that does not say it by a pattern is taken
    to see everything in each layer."""
    pattern = header.keys.get(f"{header.architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, tuple):
        return layer < len(pattern) and bool(pattern[layer])
    if isinstance(pattern, int) and pattern > 1:
        return (layer + 1) % pattern != 0
    return False


def _recurrent(header: Header) -> int:
    inner, state = header.of("ssm.inner_size"), header.of("ssm.state_size")
    if not inner or not state:
        return 0
    kernel = header.of("ssm.conv_kernel") or 4
    return (1 + CHECKPOINTS) * _F32 * (header.of("block_count") or 1) * inner * (state + kernel)
