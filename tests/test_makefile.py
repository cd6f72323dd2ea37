"""`make` makes an environment anew when something of it is not what it was."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize(
    "changed", ["pyproject.toml", "compiled.py", "src/torana/net/_heads.pyx", None]
)
def test_what_is_compiled_is_compiled_anew_when_it_was_changed(
    changed: str | None, tmp_path: Path
) -> None:
    made = tmp_path / ".base"
    made.touch()
    pretend = [] if changed is None else ["-W", changed]
    command = ["make", "-n", *pretend, f"VENV={tmp_path}", str(made)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert ("pip install -e" in said) == (changed is not None)
