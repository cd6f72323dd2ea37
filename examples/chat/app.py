"""A chat with rooms: who is connected is kept in a bucket, what is said is posted to the room.

Runs unchanged on AWS Lambda, behind a WebSocket API with the routes $connect, $disconnect and say.
"""

import json
import os

import boto3

BUCKET = os.environ["CHAT_BUCKET"]
s3 = boto3.client("s3")


def connections(asked):
    """The way back to clients. Torana sets AWS_ENDPOINT_URL, which knows every connection."""
    if "AWS_ENDPOINT_URL" in os.environ:
        return boto3.client("apigatewaymanagementapi")
    address = f"https://{asked['domainName']}/{asked['stage']}"
    return boto3.client("apigatewaymanagementapi", endpoint_url=address)


def connect(asked, event):
    query = event.get("queryStringParameters") or {}
    if "name" not in query:
        return {"statusCode": 401}
    member = {"name": query["name"], "room": query.get("room", "lobby")}
    body = json.dumps(member).encode()
    s3.put_object(Bucket=BUCKET, Key=f"members/{asked['connectionId']}", Body=body)
    s3.put_object(Bucket=BUCKET, Key=f"rooms/{member['room']}/{asked['connectionId']}", Body=b"")
    return {"statusCode": 200}


def member_of(id):
    return json.loads(s3.get_object(Bucket=BUCKET, Key=f"members/{id}")["Body"].read())


def disconnect(asked, event):
    forget(asked["connectionId"])
    return {"statusCode": 200}


def forget(id):
    room = member_of(id)["room"]
    s3.delete_object(Bucket=BUCKET, Key=f"rooms/{room}/{id}")
    s3.delete_object(Bucket=BUCKET, Key=f"members/{id}")


def say(asked, event):
    member = member_of(asked["connectionId"])
    text = json.loads(event["body"])["text"]
    said = json.dumps({"from": member["name"], "text": text}).encode()
    back, prefix = connections(asked), f"rooms/{member['room']}/"
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    for id in (found["Key"].removeprefix(prefix) for found in listed):
        try:
            back.post_to_connection(ConnectionId=id, Data=said)
        except back.exceptions.GoneException:
            forget(id)
    return {"statusCode": 200}


ROUTES = {"$connect": connect, "$disconnect": disconnect, "say": say}


def handler(event, context):
    asked = event["requestContext"]
    return ROUTES[asked["routeKey"]](asked, event)
