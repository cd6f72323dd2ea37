"""What is kept encrypted: what opens, what does not, and what an older key still opens."""

import secrets

import pytest

from torana.sealing import Cover, NotOpened, UnknownKey, Vault
from torana.sealing.pieces import HEAD, SEALED, SEGMENT, Closing, Opening
from torana.sealing.vault import opened_lines


def vault(*covers: str) -> Vault:
    made = Vault(covers)
    for number, purpose in enumerate(("a", "b")):
        id = bytes([number]) * 8
        made.put(id, purpose, secrets.token_bytes(32))
        made.use(id)
    return made


def test_a_value_opens_only_where_it_belongs_and_unchanged() -> None:
    keys = vault("a", "b")
    closed = keys.cover("a").close(b"secret", b"here")
    assert b"secret" not in closed
    assert keys.cover("a").open(closed, b"here") == b"secret"
    for data, bound in ((closed, b"there"), (closed[:-1] + b"\0", b"here"), (closed[:20], b"here")):
        with pytest.raises(NotOpened):
            keys.cover("a").open(data, bound)
    with pytest.raises(UnknownKey):
        keys.cover("b").open(closed, b"here")


def test_what_is_not_covered_stays_as_it_is_and_what_was_still_opens() -> None:
    keys = vault("a")
    closed = keys.cover("a").close(b"old")
    keys.covers = ()
    cover = keys.cover("a")
    assert cover.close(b"new") == b"new"
    assert (cover.open(closed), cover.open(b"new")) == (b"old", b"new")


def test_a_rotation_leaves_what_was_closed_readable() -> None:
    keys = vault("a")
    cover = keys.cover("a")
    before = cover.close(b"1")
    keys.put(b"newer!!!", "a", secrets.token_bytes(32))
    keys.use(b"newer!!!")
    after = cover.close(b"2")
    assert b"newer!!!" in after and b"newer!!!" not in before
    assert (cover.open(before), cover.open(after)) == (b"1", b"2")


def test_a_file_of_lines_is_readable_up_to_where_a_crash_cut_it_off() -> None:
    cover = vault("a").cover("a")
    file = b"from before\n" + b"".join(cover.close_line(each) + b"\n" for each in (b"1", b"2\n3"))
    cut = cover.close_line(b"never whole")[:-5]
    found = [*opened_lines(iter((file + cut).splitlines(keepends=True)), cover)]
    assert found == [b"from before", b"1", b"2\n3", cut]


def pieced(cover: Cover, data: bytes, step: int) -> bytes:
    closing = Closing(cover)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    return closing.head + b"".join(map(closing.add, pieces)) + closing.end()


@pytest.mark.parametrize("size", [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT])
def test_a_piece_of_any_size_comes_back(size: int) -> None:
    cover, data = vault("a").cover("a"), secrets.token_bytes(size)
    closed = pieced(cover, data, 50_000)
    opening, body = Opening(cover, closed[:HEAD], size), closed[HEAD:]
    parts = [body[at : at + SEALED] for at in range(0, len(body), SEALED)]
    assert b"".join(opening.segment(n, part) for n, part in enumerate(parts)) == data


def test_segments_can_neither_be_moved_nor_cut_off() -> None:
    cover = vault("a").cover("a")
    closed = pieced(cover, bytes(2 * SEGMENT), SEGMENT)
    head, first = closed[:HEAD], closed[HEAD : HEAD + SEALED]
    with pytest.raises(NotOpened):
        Opening(cover, head, 2 * SEGMENT).segment(1, first)
    with pytest.raises(NotOpened):
        Opening(cover, head, SEGMENT).segment(0, first)
