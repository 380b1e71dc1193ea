"""A review as it is asked for: by the names of two sides, or of one against what is deployed."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from review.application import git
from review.model import Review, Side
from review.pairs import pairs
from review.review import review
from review.source import SourceError, open_side, open_sides

MAIN = ("origin/HEAD", "origin/main", "main", "origin/master", "master")
Told = Callable[[str], object]
"""Is called with what is being done, as that may take seconds."""


def of_sides(base: str, head: str, today: date, told: Told) -> Review:
    """An empty `base` is where HEAD left the main branch. Raises AssemblyError."""
    name, base = (base, base) if base else left_main(Path.cwd())
    told(f"reading or synthesizing {name} and {head} ...")
    with open_sides(base, head) as (before, after):
        told("comparing ...")
        sides = (before.side.model_copy(update={"name": name}), after.side)
        notes = (*before.notes, *after.notes)
        return review(before.assembly, after.assembly, sides=sides, today=today, notes=notes)


def against_deployed(head: str, today: date, told: Told, *, analyzer: bool = False) -> Review:
    """Needs credentials, and only reads. With `analyzer`, Access Analyzer is asked about each policy that changes, for
    which AWS charges. Raises AssemblyError."""
    from review.deployed import clients, deployed
    from review.drift import drift
    from review.new_access import new_access

    told(f"reading or synthesizing {head} ...")
    with open_side(head) as after:
        told("asking CloudFormation what is deployed ...")
        client = clients()
        found = deployed(after.assembly, client)
        told("asking CloudFormation what was changed by other ways ...")
        also, notes = drift(found, client)
        if analyzer:
            told("asking Access Analyzer about policies ...")
            wider, unknown = new_access(pairs(found.base, found.head), client, found.account)
            also, notes = (*also, *wider), (*notes, *unknown)
        told("comparing ...")
        sides = (Side(name=f"deployed in account {found.account}"), after.side)
        return review(found.base, found.head, sides=sides, today=today, also=also, notes=(*after.notes, *notes))


def left_main(here: Path) -> tuple[str, str]:
    """How the base is called and its commit: the newest that HEAD has in common with the main branch."""
    for main in MAIN:
        found = git(here, "merge-base", "HEAD", main)
        if found.returncode == 0:
            return f"merge base with {main}", found.stdout.strip()
    raise SourceError(f"there is no main branch here ({', '.join(MAIN)}): name --base, a branch or a cdk.out")
