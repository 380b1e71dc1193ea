"""What Studio names: the lifecycle configurations and images of its domains, user profiles, spaces and apps."""

from collections.abc import Iterator
from typing import Any

from controls.inventory.place import Place, Row
from controls.resource import Kind

_IMAGE_VERSION = ":image-version/"


def attached(place: Place) -> set[str] | None:
    """Every text that any of them holds, ARNs and names among it; None where one could not be read.

    All texts, because settings name images and configurations in more than a dozen places, and new ones are added.
    """
    names = [{"DomainId": domain} for domain in place.domains]
    described = [
        *place.each(Kind.IMAGE, names, lambda row: place.described("describe_domain", **row)),
        *_described(place, "list_user_profiles", "UserProfiles", "describe_user_profile", "UserProfileName"),
        *_described(place, "list_spaces", "Spaces", "describe_space", "SpaceName"),
    ]
    if {Kind.APP, Kind.IMAGE} & place.troubles.keys():
        return None
    return set(_in([*described, *place.apps]))


def _described(place: Place, listing: str, member: str, operation: str, name: str) -> Iterator[Row]:
    yield from place.each(
        Kind.IMAGE,
        place.listed(listing, member),
        lambda row: place.described(operation, **{key: row[key] for key in ("DomainId", name)}),
    )


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
