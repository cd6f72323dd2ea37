"""Amazon Comprehend, over the embedded engines."""

from torana.services.comprehend.facade import Comprehend

__all__ = ["Comprehend"]
