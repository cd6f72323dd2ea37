"""Amazon S3 over the node's object store."""

from torana.services.s3.buckets import Buckets
from torana.services.s3.contents import Contents
from torana.services.s3.listing import Listing
from torana.services.s3.uploads import Uploads
from torana.state.objects import ObjectStore


def s3(objects: ObjectStore) -> tuple[object, ...]:
    """The facade, by what its operations are about."""
    return Buckets(objects), Contents(objects), Listing(objects), Uploads(objects)
