"""A model of word vectors as a wheel carries it, made small, and through the measure."""

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from evals.static_vectors import embedder, read_matrix

WORDS = {"total": 0, "number": 1, "?": 2}
MATRIX = np.array([[1, 0], [0, 2], [0, 0]], np.float16)


def model(folder: Path) -> Path:
    (folder / "weights").mkdir(parents=True)
    (folder / "tokenizers").mkdir()
    header = json.dumps(
        {
            "__metadata__": {},
            "vectors": {"dtype": "F16", "shape": list(MATRIX.shape), "data_offsets": [0, MATRIX.nbytes]},
        }
    ).encode()
    data = len(header).to_bytes(8, "little") + header + MATRIX.tobytes()
    (folder / "weights" / "small.safetensors").write_bytes(data)
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    (folder / "tokenizers" / "small.json").write_text(tokenizer.to_str())
    return folder


def test_a_text_is_the_mean_of_its_words(tmp_path: Path) -> None:
    found = np.asarray(embedder(model(tmp_path)).embed(["total", "total number", ""]))
    assert np.array_equal(found, np.array([[1, 0], [0.5, 1], [0, 0]]))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="safetensors"):
        embedder(tmp_path)
    with pytest.raises(ValueError, match=r"."):
        read_matrix(b"\xff" * 40)
