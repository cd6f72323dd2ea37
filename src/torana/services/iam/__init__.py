"""AWS IAM: users, groups, roles and policies, kept in the store."""

from torana.services.iam.access_keys import AccessKeys
from torana.services.iam.account import Account
from torana.services.iam.attached import Attached
from torana.services.iam.directory import Directory
from torana.services.iam.groups import GroupsOfUsers
from torana.services.iam.policies import Policies
from torana.services.iam.providers import Providers
from torana.services.iam.report import CredentialReport
from torana.services.iam.roles import Profiles, RolesOfIam
from torana.services.iam.shelf import Seal, Shelf
from torana.services.iam.simulate import Simulation
from torana.services.iam.tags import Tags
from torana.services.iam.users import Users
from torana.state.store import Store


def iam(store: Store, directory: Directory, seal: Seal) -> tuple[object, ...]:
    """The facade, by what its operations are about."""
    shelf = Shelf(store, seal, directory.seen)
    return (
        Users(shelf),
        AccessKeys(shelf),
        GroupsOfUsers(shelf),
        RolesOfIam(shelf),
        Profiles(shelf),
        Policies(shelf),
        Attached(shelf),
        Tags(shelf),
        Providers(shelf),
        Account(shelf),
        CredentialReport(shelf),
        Simulation(directory),
    )
