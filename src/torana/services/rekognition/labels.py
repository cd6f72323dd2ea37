"""What pictures show."""

from torana.services.ports import Call
from torana.services.rekognition.pictures import Params, Pictures, invalid


class Labels:
    """The operation on labels."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    async def DetectLabels(self, call: Call, params: Params) -> Params:
        """Labels of the whole picture, the surest first; where they stand is not known."""
        if set(params.get("Features", [])) - {"GENERAL_LABELS"}:
            raise invalid("Features: only GENERAL_LABELS is supported here")
        settings: Params = params.get("Settings", {})
        if any(each for each in settings.get("GeneralLabels", {}).values()) or (
            "ImageProperties" in settings
        ):
            raise invalid("Settings: filters and image properties are not supported here")
        found = await self._pictures.labels(call, params["Image"])
        least: float = params.get("MinConfidence", 55.0)
        labels = [
            {
                "Name": label.name,
                "Confidence": 100 * label.score,
                "Instances": [],
                "Parents": [{"Name": name} for name in label.parents],
                "Aliases": [{"Name": name} for name in label.aliases],
            }
            for label in found
            if 100 * label.score >= least
        ]
        most = params.get("MaxLabels", 1000)
        return {"Labels": labels[:most], "LabelModelVersion": "torana-efficientnet-lite0"}
