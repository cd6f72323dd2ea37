"""Generated clients: one reading of an OpenAPI document, one writer for each language."""

import io
import zipfile
from collections.abc import Callable, Mapping

from torana.portal.sdk import python, typescript
from torana.portal.sdk.reading import Sdk, reading
from torana.services.apigateway.book import Json

LANGUAGES: Mapping[str, Callable[[Sdk], dict[str, str]]] = {
    "python": python.files,
    "typescript": typescript.files,
}
"""By name: the files of a client, by their paths."""

_STAMP = (1980, 1, 1, 0, 0, 0)


def archive(document: Json, language: str) -> tuple[str, bytes]:
    """A zip's name and content; the same document makes the same bytes."""
    sdk = reading(document)
    root = f"{sdk.slug}-{language}"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as folder:
        for path, text in sorted(LANGUAGES[language](sdk).items()):
            folder.writestr(zipfile.ZipInfo(f"{root}/{path}", _STAMP), text)
    return f"{root}.zip", made.getvalue()
