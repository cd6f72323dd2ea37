"""The built application: how it is served, and that it is what its sources say."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.console.opening import opened

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src/torana/console/static"


async def test_every_screens_address_gives_the_page(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        pages = [
            await console.browser.get(path)
            for path in ("/console", "/console/", "/console/apis/a1/stages/prod")
        ]
    assert {page.status_code for page in pages} == {200}
    assert {page.headers["content-type"] for page in pages} == {"text/html; charset=utf-8"}


async def test_the_policy_lets_no_inline_script_run(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        first, second = [await console.browser.get("/console") for _ in range(2)]
    policy = dict(
        part.split(" ", 1) for part in first.headers["content-security-policy"].split("; ")
    )
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not re.search(r"<script(?![^>]*\bsrc=)", first.text)
    assert first.headers["content-security-policy"] != second.headers["content-security-policy"]


async def test_hashed_files_are_kept_for_good(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        page = (await console.browser.get("/console")).text
        script = re.findall(r'src="(/console/assets/[^"]+\.js)"', page)[0]
        plain = await console.browser.get(script, headers={"accept-encoding": "identity"})
        packed = await console.browser.get(script, headers={"accept-encoding": "gzip"})
        known = {"if-none-match": plain.headers["etag"]}
        again = await console.browser.get(script, headers=known)
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.content == plain.content
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothere.js", "..%2findex.html", "../sources.sha256", ".hidden"])
async def test_nothing_else_is_given_away(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as console:
        reply = await console.browser.get(f"/console/assets/{name}")
    assert reply.status_code == 404 or reply.headers["content-type"].startswith("text/html")


def test_what_is_built_was_built_from_these_sources() -> None:
    web = ROOT / "web"
    names = [
        path.relative_to(web).as_posix() for path in (web / "src").rglob("*") if path.is_file()
    ]
    names += [
        "index.html",
        "portal.html",
        "package.json",
        "package-lock.json",
        "tsconfig.json",
        "vite.config.ts",
    ]
    found = hashlib.sha256()
    for name in sorted(names):
        found.update(f"{name}\n".encode() + (web / name).read_bytes() + b"\n")
    built = (STATIC / "sources.sha256").read_text().strip()
    assert found.hexdigest() == built, "run `make console` and commit what it builds"


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "web/package-lock.json").read_text()
