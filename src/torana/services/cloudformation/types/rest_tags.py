"""How tags of REST APIs' resources are changed."""

from torana.services.cloudformation.types.plain import Tagging


def tagging(path: str) -> Tagging:
    """`path`: of the resource, in its ARN."""
    arn = f"arn:aws:apigateway:{{region}}::/{path}"
    return Tagging("TagResource", "UntagResource", {"resourceArn": arn}, "tags", "tagKeys")
