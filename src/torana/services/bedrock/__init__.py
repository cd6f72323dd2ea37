"""Amazon Bedrock: the embedded embeddings, and the models of the gateway's LLM API."""

from torana.services.bedrock.catalogue import Catalogue
from torana.services.bedrock.runtime import Runtime
from torana.services.engine_calls import EngineCalls
from torana.services.ports import Engines, LanguageModels


def bedrock(models: LanguageModels) -> object:
    """The facade of the control plane: which models there are."""
    return Catalogue(models)


def bedrock_runtime(engines: Engines, models: LanguageModels) -> object:
    """The facade of inference."""
    return Runtime(EngineCalls(engines, busy_status=429), models)
