"""Authorizers and requirements as security schemes: `security` the other way."""

from typing import Any

from torana.model.rest import Authorizer, Json, Method, RestApi
from torana.openapi.security import AUTHORIZER, AUTHTYPE
from torana.openapi.shape import given

_HEADER = "method.request.header."


class Security:
    """The schemes of an API's document, and what its operations say of them."""

    def __init__(self, api: RestApi, with_authorizers: bool) -> None:
        self.schemes: Json = {}
        self._key = _free("api_key", api)
        self._signed = _free("sigv4", api)
        if any(method.api_key_required for method in api.methods):
            self.schemes[self._key] = {"type": "apiKey", "name": "x-api-key", "in": "header"}
        if any(method.authorization_type == "AWS_IAM" for method in api.methods):
            self.schemes[self._signed] = {
                **_scheme("Authorization"),
                **({AUTHTYPE: "awsSigv4"} if with_authorizers else {}),
            }
        for name, authorizer in api.authorizers.items():
            self.schemes[name] = _authorizer(authorizer, with_authorizers)

    def demands(self, method: Method) -> list[dict[str, list[str]]]:
        """An operation's `security`."""
        found: list[dict[str, list[str]]] = []
        if method.api_key_required:
            found.append({self._key: []})
        if method.authorization_type == "AWS_IAM":
            found.append({self._signed: []})
        if method.authorizer is not None:
            found.append({method.authorizer: list(method.authorization_scopes)})
        return found


def _free(name: str, api: RestApi) -> str:
    while name in api.authorizers:
        name += "_"
    return name


def _scheme(name: str) -> dict[str, Any]:
    return {"type": "apiKey", "name": name, "in": "header"}


def _authorizer(authorizer: Authorizer, with_extension: bool) -> Json:
    source = authorizer.identity_source
    simple = authorizer.type != "REQUEST" and source.startswith(_HEADER)
    scheme = _scheme(source.removeprefix(_HEADER) if simple else "Unused")
    if not with_extension:
        return scheme
    left_out = ("name", "auth_type", *(("identity_source",) if simple else ()))
    fields = given(authorizer, without=left_out)
    fields["type"] = authorizer.type.lower()
    if "providerArns" in fields:
        fields["providerARNs"] = fields.pop("providerArns")
    return {**scheme, AUTHTYPE: authorizer.auth_type, AUTHORIZER: fields}
