"""Every reply says which request it answers, in `Apigw-Requestid`."""

from base64 import b64encode
from random import getrandbits

from torana.gateway.contract import Context, Finish
from torana.gateway.http_api.compiled import HttpCompiled
from torana.message import Headers, Reply


def new_id() -> str:
    """An id of the service's form. Not a secret, so the fast generator will do."""
    return b64encode(getrandbits(88).to_bytes(11), b"Aw").decode()


def build(to: HttpCompiled) -> Finish:
    """Always."""

    def request_id(ctx: Context, reply: Reply) -> Reply:
        reply.headers = Headers([*reply.headers.items, ("Apigw-Requestid", ctx.request_id)])
        return reply

    return request_id
