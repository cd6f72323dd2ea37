"""Compiles `torana.net._heads` while Torana is installed, where there is a compiler.

Without one everything works the same, only slower: `torana doctor` says which it is.
"""

from pathlib import Path
from typing import Any

from Cython.Build import cythonize
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension

_SOURCE = Path("src/torana/net/_heads.pyx")


class Compiled(BuildHookInterface):
    """Called by hatchling before it packs a wheel or links the sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See `BuildHookInterface`."""
        name = ".".join(_SOURCE.with_suffix("").parts[1:])
        try:
            command = _build(Extension(name, [str(_SOURCE)]))
        except Exception as error:  # noqa: BLE001 - whatever trouble compilers make
            self.app.display_warning(f"Heads of HTTP/1.1 are not compiled: {error}")
            return
        build_data["artifacts"] += [f"src/{name}" for name in command]
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def _build(extension: Extension) -> list[str]:
    """Compiles beside the source. Gives what it made, below `src`."""
    found = Distribution({"ext_modules": cythonize([extension]), "package_dir": {"": "src"}})
    command = found.get_command_obj("build_ext")
    command.inplace = True
    command.ensure_finalized()
    command.run()
    return [str(Path(each).relative_to("src")) for each in command.get_outputs()]
