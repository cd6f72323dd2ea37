"""AWS CloudFormation: stacks of this gateway's resources, from templates.

What reads templates and asks services is heavy, and imported when a stack is first asked for.
"""

from torana.services.background import Background
from torana.services.cloudformation.shelf import Shelf
from torana.services.cloudformation.who import Callers
from torana.services.cloudformation.worker import Worker
from torana.services.iam.identities import Identities
from torana.services.reach import Reach
from torana.services.seal import KeyFile
from torana.state.store import Store


def cloudformation(
    store: Store, seal: KeyFile, reach: Reach, identities: Identities | None
) -> tuple[object, ...]:
    """The facade, by what its operations are about."""
    from torana.services.cloudformation.change_sets import ChangeSets
    from torana.services.cloudformation.described import Described
    from torana.services.cloudformation.stacks import Stacks
    from torana.services.cloudformation.templates import Templates

    shelf, callers = Shelf(store, seal), Callers(reach, identities)
    change_sets = ChangeSets(shelf, callers)
    return (
        Stacks(shelf, callers),
        change_sets,
        Described(shelf),
        Templates(shelf, callers, change_sets),
    )


async def work(
    store: Store,
    seal: KeyFile,
    reach: Reach,
    identities: Identities | None,
    background: Background,
    node: str,
) -> None:
    """Do the operations that stacks wait for, for ever."""
    shelf, callers = Shelf(store, seal), Callers(reach, identities)
    await Worker(shelf, callers, background, node).run()
