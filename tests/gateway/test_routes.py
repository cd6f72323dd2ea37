import pytest

from torana.gateway.errors import InvalidApi
from torana.gateway.locate import normalise
from torana.gateway.routes import Routes


def routes(*paths: str) -> Routes[str]:
    made: Routes[str] = Routes()
    for path in paths:
        made.add(path, path)
    return made


@pytest.mark.parametrize(
    ("path", "leaf", "parameters"),
    [
        ("/pets/mine", "/pets/mine", {}),
        ("/pets/7", "/pets/{id}", {"id": "7"}),
        ("/pets/a%2Fb", "/pets/{id}", {"id": "a/b"}),
        ("/pets/7/toys/9", "/pets/{id}/{proxy+}", {"id": "7", "proxy": "toys/9"}),
        ("/other/x/y", "/{proxy+}", {"proxy": "other/x/y"}),
        ("/pets/mine/", "/pets/mine", {}),
        ("/pets/7/", "/pets/{id}", {"id": "7"}),
    ],
)
def test_the_most_specific_resource_wins(path: str, leaf: str, parameters: dict[str, str]) -> None:
    found = routes("/{proxy+}", "/pets/{id}", "/pets/mine", "/pets/{id}/{proxy+}").find(path)
    assert found is not None
    assert (found.leaf, found.parameters) == (leaf, parameters)


def test_a_path_of_no_resource_is_not_found() -> None:
    assert routes("/pets").find("/cats") is None


def test_the_root_is_a_resource() -> None:
    found = routes("/", "/pets").find("/")
    assert found is not None and found.leaf == "/"


def test_a_static_segment_does_not_hide_a_variable_that_leads_further() -> None:
    found = routes("/a/b/c", "/a/{x}/d").find("/a/b/d")
    assert found is not None and found.leaf == "/a/{x}/d"


def test_two_names_for_one_variable_are_refused() -> None:
    with pytest.raises(InvalidApi, match="only one is allowed"):
        routes("/a/{x}", "/a/{y}/b")


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("/a/../b", "/b"),
        ("/a/./b", "/a/b"),
        ("/a/%2e%2E/b", "/b"),
        ("/../../etc", "/etc"),
        ("/a/..", "/"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a..b/.c", "/a..b/.c"),
    ],
)
def test_dot_segments_are_resolved_before_anybody_sees_them(given: str, normal: str) -> None:
    assert normalise(given) == normal
