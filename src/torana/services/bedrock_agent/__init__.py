"""Amazon Bedrock's prompt management: prompts that are edited as drafts and frozen as versions."""

from torana.services.apigateway.book import Book
from torana.services.bedrock_agent.prompts import Prompts
from torana.state.store import Store


def bedrock_agent(store: Store) -> object:
    """The facade."""
    return Prompts(Book(store, "bedrock-agent"))
