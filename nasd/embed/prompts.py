"""What a model wants before a query and before a document, by its own configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCUMENT = ("document", "passage", "corpus")
"""What models call the prompt for documents. sentence-transformers adds an empty "document" to every
model, which would hide what a model calls "passage": an empty one is none here."""


def prompts_of(model: Any) -> tuple[str, str]:
    """For queries and for documents, of a loaded sentence-transformers model; "" is none."""
    prompts: Mapping[str, str] = {key: text or "" for key, text in model.prompts.items()}
    default = prompts.get(model.default_prompt_name or "", "")
    document = next((prompts[key] for key in DOCUMENT if prompts.get(key)), default)
    return prompts.get("query") or default, document
