"""Amazon S3 over the node's object store."""

from torana.services.s3.buckets import Buckets
from torana.services.s3.contents import Contents
from torana.services.s3.listing import Listing
from torana.services.s3.notices import Notices
from torana.services.s3.tags import Tags
from torana.services.s3.uploads import Uploads
from torana.state.objects import ObjectStore
from torana.state.store import Store


def s3(objects: ObjectStore, store: Store, notices: Notices) -> tuple[object, ...]:
    """The facade, by what its operations are about."""
    return (
        Buckets(objects),
        Contents(objects, notices),
        Listing(objects),
        Uploads(objects, notices),
        Tags(objects, store),
        notices,
    )
