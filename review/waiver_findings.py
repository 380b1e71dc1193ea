"""What a review says of waivers, and of other ways by which rules come to say less than they did."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from pydantic import ValidationError

from review.cloud_assembly import Assembly
from review.governance import DEFAULTS
from review.governance.settings import FILE, Settings, SettingsError, load
from review.model import Finding, Kind, Place, Severity
from review.pairs import Pair
from review.waivers import PACK, Waiver, reports

SOON = timedelta(days=14)
FIXES = {
    "waiver-expired": "Mend what it accepts, or give a reason for another day.",
    "waiver-unused": "Remove it, or write the rule as the report names it, with the pack before it (PACK::RULE).",
    "waiver-without-reason": "Say why it is accepted, and until when.",
}


class Names:
    """The base's name of each resource of the head, which it has under a new one if it was moved."""

    def __init__(self, found: Iterable[Pair]) -> None:
        self._ids: dict[tuple[str, str], tuple[str, str]] = {}
        self._paths: dict[str, str] = {}
        for pair in found:
            if pair.before and pair.after and pair.stack_before and pair.stack_after:
                old = (pair.stack_before.name, pair.before.logical_id)
                self._ids[pair.stack_after.name, pair.after.logical_id] = old
                self._paths[pair.after.path] = pair.before.path

    def key(self, place: Place) -> tuple[str, str]:
        return self._ids.get((place.stack, place.logical_id), (place.stack, place.logical_id))

    def path(self, path: str) -> str:
        bare = path.removesuffix("/Resource")
        return self._paths.get(bare, bare)


def of_waivers(before: Iterable[Waiver], after: Iterable[Waiver], today: date, names: Names) -> Iterator[Finding]:
    """The new ones, those that say nothing or cover nothing since, and each that is at its end, new or not."""
    there: Mapping[tuple[str, ...], list[Waiver]] = defaultdict(list)
    told: Mapping[tuple[Place, str, str], list[Waiver]] = defaultdict(list)
    for each in before:
        there[each.source, each.rule, each.place.path.removesuffix("/Resource")].append(each)
    for each in after:
        old = there.get((each.source, each.rule, names.path(each.place.path)), [])
        known = old.pop(0) if old else None
        yield from _at_its_end(each, today)
        if known is None or known.reason != each.reason:
            word = "accepted anew" if known is None else "accepted for another reason"
            told[each.place, word, each.reason].append(each)
            if not each.reason.strip():
                yield _finding(
                    each, Severity.MEDIUM, "waiver-without-reason", f"{each.rule} is accepted without a reason"
                )
        if each.used is False and (known is None or known.used is not False):
            says = f"{each.rule} is accepted, and there is no such finding"
            bare = each.rule.startswith("Annotation::")
            says = f"{says}: the id lacks its pack's prefix" if bare else says
            yield _finding(each, Severity.MEDIUM, "waiver-unused", says)
    for (_, word, reason), alike in told.items():
        rules = ", ".join(each.rule for each in alike)
        verb = "is" if len(alike) == 1 else "are"
        yield _finding(alike[0], Severity.LOW, "waiver-new", f"{rules} {verb} {word}: {reason or 'no reason given'}")


def _at_its_end(waiver: Waiver, today: date) -> Iterator[Finding]:
    try:
        until = waiver.until
    except ValueError:
        yield _finding(
            waiver, Severity.MEDIUM, "waiver-date", f"{waiver.rule} is accepted until a day that does not exist"
        )
        return
    if until and until < today:
        yield _finding(waiver, Severity.HIGH, "waiver-expired", f"{waiver.rule} was accepted until {until}")
    elif until and until - today <= SOON:
        yield _finding(waiver, Severity.LOW, "waiver-expiring", f"{waiver.rule} is accepted until {until} only")


def _finding(waiver: Waiver, severity: Severity, rule: str, message: str) -> Finding:
    return Finding(
        kind=Kind.WAIVER, severity=severity, rule=rule, place=waiver.place, message=message, fix=FIXES.get(rule, "")
    )


def of_settings(base: Assembly, settings: Settings) -> Iterator[Finding]:
    """An allow-list that grew lets through what the base would have refused."""
    old, new = settings_of(base).model_dump(mode="json"), settings.model_dump(mode="json")
    if changed := [key for key in new if old.get(key) != new[key]]:
        place = Place(stack="", logical_id="", type="", path="the pack's settings")
        message = f"The pack's settings are others: {', '.join(changed)}"
        yield Finding(kind=Kind.WAIVER, severity=Severity.MEDIUM, rule="rules-settings", place=place, message=message)


def of_packs(base: Assembly, head: Assembly) -> Iterator[Finding]:
    """CDK's report names no plugin that has nothing to say, so that only a missing report tells that none ran."""
    if base.validation and not head.validation:
        place = Place(stack="", logical_id="", type="", path="validation-report.json")
        message = (
            f"{', '.join(sorted(reports(base)))} had findings at the base's synth, and no plugin ran at the head's"
        )
        yield Finding(kind=Kind.WAIVER, severity=Severity.MEDIUM, rule="rules-left-out", place=place, message=message)


def settings_of(side: Assembly, notes: list[str] | None = None) -> Settings:
    """Those with which the plugin ran at synth, else of `sluice-rules.yaml` beside cdk.json, else the defaults."""
    metadata = reports(side).get(PACK, {}).get("metadata")
    given = metadata.get("settings") if isinstance(metadata, dict) else None
    beside = side.application / FILE
    try:
        if isinstance(given, str):
            return Settings.model_validate_json(given)
        return load(beside) if beside.is_file() else DEFAULTS
    except (ValidationError, SettingsError) as error:
        if notes is not None:
            notes.append(f"The pack's settings cannot be read, and its defaults hold: {str(error).splitlines()[0]}")
        return DEFAULTS
