"""What a text is about: one request, several AI services.

Written for AWS Lambda; nothing here knows of Torana. The clients find their endpoint and the
credentials of the function's role in the environment.
"""

import json

import boto3

comprehend = boto3.client("comprehend")


def handler(event, context):
    """AWS_PROXY: the request as an event, the reply as a dictionary."""
    try:
        text = json.loads(event["body"] or "{}")["text"]
    except (ValueError, KeyError, TypeError):
        return reply(400, {"message": 'Send {"text": "…"}'})
    languages = comprehend.detect_dominant_language(Text=text)["Languages"]
    language = languages[0]["LanguageCode"]
    found = {"language": language}
    found["sentiment"] = comprehend.detect_sentiment(Text=text, LanguageCode=language)["Sentiment"]
    if language == "en":
        entities = comprehend.detect_entities(Text=text, LanguageCode="en")["Entities"]
        found["entities"] = {entity["Text"]: entity["Type"] for entity in entities}
    who = event["requestContext"].get("authorizer", {}).get("principalId")
    if who:
        found["for"] = who
    print(f"{len(text)} characters in {language}")
    return reply(200, found)


def reply(status, body):
    """In the form that API Gateway wants."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body, ensure_ascii=False),
    }
