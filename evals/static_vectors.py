"""A model of word vectors that a PyPI wheel carries whole (wordllama, MIT), read without its code: offline, its loader
looks for a folder the wheel does not have and then asks a hub.

    pip download --no-deps wordllama && unzip wordllama-*.whl -d wheel    # then --second-look wheel/wordllama
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from codebase.index.reranking import Embedder, Vectors

_TYPES = {"F16": np.float16, "F32": np.float32}


def embedder(folder: Path) -> Embedder:
    """`folder`: with `weights/*.safetensors` (one matrix, a row a token) and `tokenizers/*.json`. Raises OSError,
    ValueError for files that are not these."""
    weights = next(iter(sorted(folder.glob("weights/*.safetensors"))), None)
    words = next(iter(sorted(folder.glob("tokenizers/*.json"))), None)
    if weights is None or words is None:
        raise ValueError(f"{folder} has no weights/*.safetensors and tokenizers/*.json")
    matrix = read_matrix(weights.read_bytes())
    tokenizer = Tokenizer.from_str(words.read_text())

    def embed(texts: Sequence[str]) -> Vectors:
        coded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        nothing = np.zeros(matrix.shape[1], np.float32)
        return np.stack([matrix[one.ids].mean(0) if one.ids else nothing for one in coded])

    return Embedder(weights.name, embed)


def read_matrix(data: bytes) -> Vectors:
    """The first matrix of a safetensors file: eight bytes with the length of a JSON header, the header, the numbers."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    about = next(one for name, one in header.items() if name != "__metadata__")
    start, end = about["data_offsets"]
    numbers = np.frombuffer(data[8 + size + start : 8 + size + end], _TYPES[about["dtype"]])
    return numbers.reshape(about["shape"]).astype(np.float32)
