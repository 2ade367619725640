"""sentence-transformers models with random weights, made in a second: `python -m tests.fakes.tiny_model`.

"bert" pools the first token, has prompts, and does not normalise: all that the default model does otherwise.
"xlm-roberta" is made as multilingual models are: pieces of a SentencePiece vocabulary, white space in them,
places counted from the padding token's number on, prompts called query and passage, the mean of all tokens.
"cross-encoder" scores pairs; "classifier" gives them three labels.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from nasd.embed.child import environment

WORDS = (
    "rent",
    "router",
    "reset",
    "contract",
    "bread",
    "flour",
    "oven",
    "cat",
    "query",
    "passage",
    ":",
    "the",
)
ROOT = Path(__file__).parents[2]


def make_tiny_model(folder: Path, kind: str = "bert") -> Path:
    """In a process of its own, so that torch never enters the tests'."""
    scratch = folder.parent
    subprocess.run(
        [sys.executable, "-P", "-m", "tests.fakes.tiny_model", kind, str(folder)],
        env=environment(scratch) | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    return folder


def _save_bert_tokenizer(base: Path) -> int:
    """The size of its vocabulary."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = [chr(code) for code in range(33, 127)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(base)
    return len(vocabulary)


def make_bert(folder: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    base = folder / "base"
    BertModel(
        BertConfig(
            vocab_size=_save_bert_tokenizer(base),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=48,
            initializer_range=0.1,
        )
    ).save_pretrained(base)
    transformer = Transformer(str(base), max_seq_length=40)
    model = SentenceTransformer(
        modules=[transformer, Pooling(32, pooling_mode="cls")],
        prompts={"query": "query: ", "document": "passage: "},
        device="cpu",
    )
    model.save_pretrained(str(folder))


def make_cross_encoder(folder: Path, labels: int = 1) -> None:
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    base = folder / "base"
    BertForSequenceClassification(
        BertConfig(
            vocab_size=_save_bert_tokenizer(base),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
            initializer_range=0.4,
            id2label=dict(enumerate(map(str, range(labels)))),
        )
    ).save_pretrained(base)
    CrossEncoder(str(base), max_length=64, device="cpu").save_pretrained(str(folder))
    (folder / "README.md").write_text("---\nlicense: mit\n---\nA model of random weights.\n")


def make_classifier(folder: Path) -> None:
    make_cross_encoder(folder, labels=3)


def make_xlm_roberta(folder: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    torch.manual_seed(0)
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    signs = [*map(chr, range(33, 127)), *"äöüßéñçøłабвгдежзиклмнопрстуфы契約三月終了明天"]
    pieces = dict.fromkeys([*special, "▁", *(f"▁{word}" for word in WORDS if word.isalpha()), *signs])
    tokenizer = Tokenizer(models.Unigram([(piece, -float(n)) for n, piece in enumerate(pieces)], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    base = folder / "base"
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(base)
    XLMRobertaModel(
        XLMRobertaConfig(
            vocab_size=len(pieces),
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=66,
            type_vocab_size=1,
            pad_token_id=1,
            initializer_range=0.1,
        )
    ).save_pretrained(base)
    model = SentenceTransformer(
        modules=[Transformer(str(base), max_seq_length=64), Pooling(48, pooling_mode="mean"), Normalize()],
        prompts={"query": "query: ", "passage": "passage: "},
        similarity_fn_name="dot",
        device="cpu",
    )
    model.save_pretrained(str(folder))


if __name__ == "__main__":
    {
        "bert": make_bert,
        "xlm-roberta": make_xlm_roberta,
        "cross-encoder": make_cross_encoder,
        "classifier": make_classifier,
    }[sys.argv[1]](Path(sys.argv[2]))
