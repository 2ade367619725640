"""A language model of two layers, made in a second: whatever it is asked, it says the one thing it knows.

Its layers add nothing, so what it says next depends on the last token alone; the output matrix leads from
each token of the reply to the next, and from the end of any prompt to the first. The vocabulary is a real
byte-level BPE, so prompts are counted and cached as those of a large model.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import gguf
import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

REPLY = "The warranty of the dishwasher runs five years from the date of purchase [1]."
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
END, ASSISTANT = 0, 3
WIDTH, LAYERS, HEADS, INNER = 192, 2, 4, 192


def write_tiny_gguf(
    path: Path,
    reply: str = REPLY,
    *,
    endless: bool = False,
    context: int = 32768,
    architecture: str = "llama",
    licence: str | None = "apache-2.0",
) -> Path:
    """`endless`: after the last word of the reply comes its first again."""
    tokenizer = _tokenizer(reply)
    known = json.loads(tokenizer.to_str())["model"]
    said = _steps(tokenizer, reply)
    words = sorted(known["vocab"], key=known["vocab"].__getitem__)
    words += [step for step in said if step not in known["vocab"]]
    ids = [words.index(step) for step in said]
    rng = np.random.default_rng(7)
    embeddings = rng.standard_normal((len(words), WIDTH)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    output = np.zeros_like(embeddings)
    steps = [ASSISTANT, *ids, ids[0] if endless else END]
    for before, after in itertools.pairwise(steps):
        output[after] += embeddings[before]

    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    if licence is not None:
        writer.add_license(licence)
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    kinds = [gguf.TokenType.CONTROL if word in SPECIAL else gguf.TokenType.NORMAL for word in words]
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in known["merges"]])
    writer.add_bos_token_id(END)
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    writer.add_tensor("token_embd.weight", embeddings)
    writer.add_tensor("output_norm.weight", np.full(WIDTH, 1.0, np.float32))
    writer.add_tensor("output.weight", output * 8)
    for layer in range(LAYERS):
        for name, shape in _TENSORS.items():
            made = np.ones(shape, np.float32) if "norm" in name else np.zeros(shape, np.float32)
            writer.add_tensor(f"blk.{layer}.{name}.weight", made)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


_TENSORS = {
    "attn_norm": (WIDTH,),
    "attn_q": (WIDTH, WIDTH),
    "attn_k": (WIDTH, WIDTH),
    "attn_v": (WIDTH, WIDTH),
    "attn_output": (WIDTH, WIDTH),
    "ffn_norm": (WIDTH,),
    "ffn_gate": (INNER, WIDTH),
    "ffn_up": (INNER, WIDTH),
    "ffn_down": (WIDTH, INNER),
}


def _tokenizer(reply: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        min_frequency=1,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([reply], trainer)
    return tokenizer


def _steps(tokenizer: Tokenizer, reply: str) -> list[str]:
    """The reply as tokens, none twice: a word that comes again forms one token with the word before it, which
    no merge makes and so no prompt contains."""
    steps: list[str] = []
    for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(reply):
        steps.append(word)
        while steps[-1] in steps[:-1]:
            steps[-2:] = ["".join(steps[-2:])]
    return steps
