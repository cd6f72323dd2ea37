import pytest

from torana.gateway.errors import InvalidApi
from torana.gateway.mapping import request_source, response_source


@pytest.mark.parametrize("path", ["$[", "$..", "a[?(@.b]", "$.a b"])
def test_a_path_that_cannot_be_read_is_refused_when_the_api_is_compiled(path: str) -> None:
    with pytest.raises(InvalidApi, match="mapping source"):
        request_source(f"method.request.body.{path}")
    with pytest.raises(InvalidApi, match="mapping source"):
        response_source(f"integration.response.body.{path}")
