"""Write `src/torana/engines/moderation.npz` from the network that nsfwjs carries (MIT).

    python -m bench.convert_moderation

Needs Node and npm, as the package's files are programs. The weights stay as they are there: a byte
each, with the least value and the step of each array.
"""

import base64
import json
import subprocess
import tarfile
import tempfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

_PACKAGE = "nsfwjs@4.3.0"
_FOLDER = "package/dist/models/mobilenet_v2"
_READ = "process.stdout.write(JSON.stringify(require(process.argv[1])))"


def _value(folder: Path, name: str) -> Any:
    """What one of the package's files gives."""
    path = str(folder / _FOLDER / name)
    done = subprocess.run(["node", "-e", _READ, path], check=True, capture_output=True)
    return json.loads(done.stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        subprocess.run(["npm", "pack", "--silent", _PACKAGE], cwd=folder, check=True)
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
        (manifest,) = _value(folder, "model.min.js")["weightsManifest"]
        data = base64.b64decode(_value(folder, "group1-shard1of1.min.js"))
        terms = (folder / "package/LICENSE").read_text("utf-8")
    arrays = [
        [each["name"], each["shape"], each["quantization"]["min"], each["quantization"]["scale"]]
        for each in manifest["weights"]
        if each["quantization"]["dtype"] == "uint8"
    ]
    if sum(prod(shape) for _, shape, _, _ in arrays) != len(data):
        raise SystemExit("the arrays are not as long as the weights")
    target = Path("src/torana/engines/moderation.npz")
    told = np.frombuffer(json.dumps(arrays).encode(), "uint8")
    np.savez_compressed(target, arrays=told, data=np.frombuffer(data, "uint8"))
    target.with_suffix(".LICENSE").write_text(terms, "utf-8")
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
