"""A TOKEN authorizer: `Authorization: let-NAME-in` lets NAME in."""

import re


def handler(event, context):
    """The policy says which methods the caller may call; the context goes on to the backend."""
    found = re.fullmatch("let-([a-z]+)-in", event["authorizationToken"])
    if not found:
        raise Exception("Unauthorized")
    return {
        "principalId": found[1],
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "execute-api:Invoke",
                    "Resource": event["methodArn"],
                }
            ],
        },
        "context": {"checkedBy": "gatekeeper"},
    }
