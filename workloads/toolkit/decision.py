"""What comes of comparing the challenger with the champion, in words. Needs nothing but Python."""

WINS, LOSES, FEW = "wins", "does not win", "too few rows"  # on a set of rows
WORSE, NOT_WORSE, UNTOLD = "worse", "not worse", "not told by its rows"  # on those of a segment's value


def decided(sets, metric, version, segment, reason):
    """(better, why) by what challenge.compared found on the `recent` rows; on `today`'s test rows, where that is there.

    The latter is given where the recent rows cannot tell; `reason` is what the two values on today's rows say. The
    `champion_test` is told and decides nothing: what the world was like when the champion was trained is no measure of
    what it has become.
    """
    recent, today, test = (sets.get(name) for name in ("recent", "today", "champion_test"))
    if today is None:
        better, parts = _judged(recent, "recent rows", metric, version, segment)
        parts.append(f"on today's test rows {reason}")
    elif today["verdict"] == FEW:
        better, parts = False, [reason, _few(today, "test rows")]
    else:
        better, parts = _judged(today, "of today's test rows", metric, version, segment)
    if today and recent:
        parts.append(_few(recent, "recent rows"))
    if test and test["verdict"] in (WINS, LOSES):
        parts.append(_words(test, "rows of that champion's own test set", metric, version))
    return better, "; ".join(parts)


def _judged(told, where, metric, version, segment):
    worse = [each for each in told["segments"] if each["verdict"] == WORSE]
    parts = [_words(told, where, metric, version) + _beside_margin(told)]
    for each in worse:
        limit = f"beyond the limit of {each['limit']:g}"
        parts.append(f"for {segment} = {each['value']} {_than(each, metric)}, {limit}")
    return told["verdict"] == WINS and not worse, parts


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


def _few(told, rows):
    """Why these rows cannot tell."""
    if told.get("trouble"):
        return f"the {rows} tell nothing: {told['trouble']}"
    left = sum(told.get("left_out", {}).values())
    also = f", beside {left} that do not count" if left else ""
    if not told["rows"] and not left:
        return f"no {rows}"
    alike = f", {told['distinct']} of them distinct" if told.get("distinct", told["rows"]) < told["rows"] else ""
    return f"there are {told['rows']} {rows}{alike}{also}, too few to tell"
