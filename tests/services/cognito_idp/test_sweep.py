"""What is over is deleted, and nothing else."""

import msgspec

from torana.services.cognito_idp.attempts import ATTEMPTS, Count
from torana.services.cognito_idp.challenges import SPENT
from torana.services.cognito_idp.directory import now
from torana.services.cognito_idp.sessions import SESSION
from torana.services.cognito_idp.sweep import sweep
from torana.state.memory import MemoryStore
from torana.state.store import Change


async def test_only_what_is_over_is_swept() -> None:
    store, at = MemoryStore(100), int(now())
    documents = {
        (SPENT, f"{at - 5:012}-a"): {},
        (SPENT, f"{at + 60:012}-b"): {},
        (SESSION, "p/ada/1"): {"expires": at - 1},
        (SESSION, "p/ada/2"): {"expires": at + 60},
        (ATTEMPTS, "p/ada/password"): Count(3, 0.0, at - 1000.0),
        (ATTEMPTS, "p/bob/password"): Count(9, at + 60.0, at - 10.0),
    }
    for (kind, id), body in documents.items():
        await store.commit([Change(kind, id, 0, msgspec.json.encode(body))])
    assert await sweep(store) == 3
    left = [
        document.id for kind in (SPENT, SESSION, ATTEMPTS) async for document in store.scan(kind)
    ]
    assert left == [f"{at + 60:012}-b", "p/ada/2", "p/bob/password"]
