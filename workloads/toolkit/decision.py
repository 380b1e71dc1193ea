"""What comes of comparing the challenger with the champion, in words. Needs nothing but Python."""

WINS, LOSES, FEW = "wins", "does not win", "too few rows"  # on a set of rows
WORSE, NOT_WORSE, UNTOLD = "worse", "not worse", "not told by its rows"  # on those of a segment's value


def decided(sets, metric, version, segment, better, reason):
    """(better, why) by what challenge.compared found on the `recent` rows; where they are too few, as it was known.

    `sets` holds `recent` and `champion_test`, or one of them; the latter is told and decides nothing: what the world
    was like when the champion was trained is no measure of what it has become. Neither is `better` of today's test
    rows, where recent rows can tell.
    """
    recent, test = sets.get("recent"), sets.get("champion_test")
    parts = []
    if recent and recent["verdict"] in (WINS, LOSES):
        worse = [told for told in recent["segments"] if told["verdict"] == WORSE]
        better = recent["verdict"] == WINS and not worse
        parts.append(_words(recent, "recent rows", metric, version) + _beside_margin(recent))
        for told in worse:
            limit = f"beyond the limit of {told['limit']:g}"
            parts.append(f"for {segment} = {told['value']} {_than(told, metric)}, {limit}")
        parts.append(f"on today's test rows {reason}")
    else:
        parts.append(reason)
        parts += [_untold(recent)] if recent else []
    if test and test["verdict"] in (WINS, LOSES):
        parts.append(_words(test, "rows of that champion's own test set", metric, version))
    return better, "; ".join(parts)


def _words(told, where, metric, version):
    values = f"{metric} is {told['challenger']:.6g}, that of champion version {version} {told['champion']:.6g}"
    return f"on {told['rows']} {where} {values}: {_than(told, metric)}"


def _than(told, metric):
    words, (low, high) = "better", told["interval"]
    if told["difference"] < 0:
        words, low, high = "worse", -high, -low
    unit = " standard deviations of the target" if metric == "rmse" else ""
    return f"{words} by {abs(told['difference']):.4g}{unit} ({low:.4g} to {high:.4g})"


def _beside_margin(told):
    if told["verdict"] == WINS:
        return f", all of it above the margin of {told['margin']:g}"
    return f", which does not beat the margin of {told['margin']:g} by more than chance"


def _untold(recent):
    if recent.get("trouble"):
        return f"the recent rows tell nothing: {recent['trouble']}"
    left = sum(recent.get("left_out", {}).values())
    also = f", beside {left} that do not count" if left else ""
    return (
        f"there are {recent['rows']} recent rows{also}, too few to tell" if recent["rows"] or left else "no recent rows"
    )
