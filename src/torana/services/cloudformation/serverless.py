"""The transform of AWS SAM, by its authors' own library."""
# The library is not typed.
# pyright: basic

from collections.abc import Mapping
from typing import Any, cast

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from torana.services.cloudformation.faults import BadTemplate
from torana.services.cloudformation.records import Json
from torana.services.iam.managed import MANAGED


class _Session:
    """What the library asks of boto3's: where it is."""

    def __init__(self, region: str) -> None:
        self.region_name = region

    def get_partition_for_region(self, region: str) -> str:
        """There is one."""
        del region
        return "aws"


def translated(whole: Json, values: Mapping[str, Any]) -> Json:
    """Without SAM's own resources. Raises `BadTemplate`."""
    given = {name: value for name, value in values.items() if not name.startswith("AWS::")}
    given |= {name: values[name] for name in ("AWS::Region", "AWS::Partition")}
    translator: Any = Translator(
        {arn.rpartition("/")[2]: arn for arn in MANAGED},
        Parser(),
        boto_session=cast(Any, _Session(values["AWS::Region"])),
    )
    try:
        made: Json = translator.translate(whole, given)
    except InvalidDocumentException as error:
        raise BadTemplate(
            f"Transform AWS::Serverless-2016-10-31 failed with: {error.message}"
        ) from None
    made.pop("Transform", None)
    return made
