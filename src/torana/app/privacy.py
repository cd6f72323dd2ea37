"""What the settings say of personal data, checked."""

from collections.abc import Callable

from torana.data_settings import Privacy
from torana.personal.find import hider
from torana.personal.rules import wrong
from torana.settings import BadSettings, Settings


def log_hider(settings: Settings) -> Callable[[str], str] | None:
    """Takes personal data out of lines of logs; None where nothing is to be.

    Raises `BadSettings`, for the policies of APIs, too.
    """
    given = settings.privacy
    whole = {"privacy": Privacy(logs=given.logs)}
    for name, each in (whole | {f"privacy.apis.{k!r}": v for k, v in given.apis.items()}).items():
        for path, why in wrong(each):
            raise BadSettings(f"{'.'.join([name, *map(str, path)])}: {why}")
    return hider(given.logs)
