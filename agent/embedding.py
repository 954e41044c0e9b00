"""Vectors of texts from a model behind LiteLLM, for search's second look (codebase.index.reranking)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.provider import embeddings
from codebase.index.reranking import Embedder

_AT_ONCE = 64
TIMEOUT_S = 60.0


def embedder(model: str, *, api_base: str = "", api_key: str = "") -> Embedder:
    """`model` as LiteLLM names it (`openai/text-embedding-3-small`, `ollama/nomic-embed-text`). Its calls raise
    `agent.provider.RequestFailed`."""
    request: dict[str, Any] = {"model": model}
    request |= {name: value for name, value in (("api_base", api_base), ("api_key", api_key)) if value}

    def embed(texts: Sequence[str]) -> list[list[float]]:
        return [
            vector
            for start in range(0, len(texts), _AT_ONCE)
            for vector in embeddings(request, texts[start : start + _AT_ONCE], TIMEOUT_S)
        ]

    return Embedder(f"{model}@{api_base}", embed)
