"""What Studio names: the lifecycle configurations and images of its domains, user profiles, spaces and apps."""

from collections.abc import Iterator
from typing import Any

from controls.inventory.place import TROUBLES, Place
from controls.resource import Kind

_IMAGE_VERSION = ":image-version/"


def attached(place: Place) -> set[str] | None:
    """Every text that any of them holds, ARNs and names among it; None where one could not be read.

    All texts, because settings name images and configurations in more than a dozen places, and new ones are added.
    """
    if Kind.APP in place.troubles:
        return None
    try:
        return set(_texts(place))
    except TROUBLES as error:
        place.trouble(Kind.IMAGE, error)
        place.trouble(Kind.LIFECYCLE_CONFIG, error)
        return None


def _texts(place: Place) -> Iterator[str]:
    for domain in place.domains:
        yield from _in(place.described("describe_domain", DomainId=domain))
    for row in place.listed("list_user_profiles", "UserProfiles"):
        names = {"DomainId": row["DomainId"], "UserProfileName": row["UserProfileName"]}
        yield from _in(place.described("describe_user_profile", **names))
    for row in place.listed("list_spaces", "Spaces"):
        yield from _in(place.described("describe_space", DomainId=row["DomainId"], SpaceName=row["SpaceName"]))
    yield from _in(place.apps)


def _in(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
            if _IMAGE_VERSION in value:
                yield value.replace(_IMAGE_VERSION, ":image/").rpartition("/")[0]
        case dict():
            for each in value.values():
                yield from _in(each)
        case list():
            for each in value:
                yield from _in(each)
        case _:
            return
