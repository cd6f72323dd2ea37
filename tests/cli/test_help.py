"""What the command says of itself, in this process."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from torana.cli.main import main

NAMES = main.list_commands(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", NAMES)
def test_every_command_explains_itself(command: str) -> None:
    shown = CliRunner().invoke(main, [command, "--help"])
    assert shown.exit_code == 0
    assert shown.output.startswith("Usage:")


def test_the_list_of_commands_imports_none_of_them() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from torana.cli.main import main;"
        "print(CliRunner().invoke(main, ['--help']).output); assert 'torana.app' not in sys.modules"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"\n  {name} " in shown.stdout for name in NAMES)


@pytest.mark.parametrize(
    "command", ["call", "doctor", "functions", "keys", "logs", "plan", "usage"]
)
def test_what_only_asks_a_gateway_imports_no_gateway(command: str) -> None:
    code = f"import sys, torana.cli.{command}; assert 'torana.services.registry' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_command_is_refused() -> None:
    shown = CliRunner().invoke(main, ["nothing"])
    assert shown.exit_code == 2
    assert "No such command 'nothing'" in shown.output
