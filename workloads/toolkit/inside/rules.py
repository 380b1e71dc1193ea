"""What is wrong with a training, judged by its record: one function for each symptom, nothing but numbers in and out.

Each takes what is known once (`about`), the records (oldest first) and its thresholds as keyword arguments, whose
defaults are below it. It answers None, or a message and the values that it is based on. Where a default is one of
SageMaker Debugger's built-in rules (AWS, "List of Debugger Built-in Rules") the function names it; the patience, and
what keeps a rule silent on a training that has simply converged, are this project's, measured in docs/inside.md.
Thresholds named `patience` count records, which are further apart in a long training, see `history`.
"""

import math
from statistics import median

NEXT = {
    "vanishing_gradients": "Use ReLU-like activations, a suitable initialization (He, Glorot), normalization or "
    "skip connections; fewer layers may do",
    "exploding_gradients": "Lower the learning rate, clip gradients by norm, scale the input and the target",
    "loss_not_decreasing": "Try a learning rate ten times lower and ten times higher; check that labels belong to "
    "their rows and that the input is scaled",
    "overfitting": "Stop at the best validation loss, regularize more, make the model smaller, or get more data",
    "dead_units": "Lower the learning rate, start with biases of zero, or use an activation that never quite "
    "shuts, such as leaky ReLU",
    "class_imbalance": "Weight the classes or sample them evenly, and judge by a metric that does not "
    "forgive rare classes, such as average precision",
}


def vanishing_gradients(about, records, *, mean_abs=1e-7, patience=3, learned=0.5):
    """The mean of a layer's absolute gradients is below `mean_abs` in `patience` records (VanishingGradient: 1e-7).

    Not while the training loss is below `learned` of where it began: gradients of what is learned vanish too.
    """
    losses = _losses(records, "train")
    if len(records) < patience or (losses and losses[-1] < learned * losses[0]):
        return None
    small = {}
    for layer, now in records[-1]["gradients"].items():
        means = [one["gradients"].get(layer, now)["mean_abs"] for one in records[-patience:]]
        if all(mean is not None and mean < mean_abs for mean in means):
            small[layer] = now["mean_abs"]
    if not small:
        return None
    layer = min(small, key=lambda name: small[name])
    message = f"the mean absolute gradient of {_layers(small)} is below {mean_abs:g} ({layer}: {small[layer]:.2g})"
    return message, {"layers": small, "mean_abs": mean_abs}


def exploding_gradients(about, records, *, factor=100.0, patience=3):
    """A gradient, weight or loss is not finite (ExplodingTensor), or a layer's gradient norm is in `patience` records
    more than `factor` times the largest norm of any layer when the training began (in the calmest of three records).
    """
    last = records[-1]
    for kind in ("gradients", "weights"):
        broken = {layer: one["nonfinite"] for layer, one in last[kind].items() if one["nonfinite"]}
        if broken:
            return f"{kind} of {_layers(broken)} are not finite", {"nonfinite_share": broken}
    for name, loss in last["losses"].items():
        if not math.isfinite(loss):
            return f"the {name} loss is not finite", {"loss": name}
    if len(records) < patience + 1:
        return None
    starts = [
        max(one["norm"] or 0.0 for one in record["gradients"].values()) for record in records[:4] if record["gradients"]
    ]
    start, large = min((norm for norm in starts[:3] if norm), default=math.inf), {}
    for layer, now in last["gradients"].items():
        norms = [one["gradients"].get(layer, now)["norm"] or 0.0 for one in records[-patience:]]
        if min(norms) > factor * start:
            large[layer] = now["norm"]
    if not large:
        return None
    layer = max(large, key=lambda name: large[name])
    message = f"the gradient norm of {_layers(large)} is more than {factor:g} times the largest at the "
    return message + f"start ({layer}: {large[layer]:.2g} after {start:.2g})", {"layers": large, "start": start}


def loss_not_decreasing(about, records, *, patience=10, decrease=0.01):
    """The median training loss of the last `patience` records (LossNotDecreasing: 10) is neither below the first
    record's nor below the median of the `patience` records before, each time by the share `decrease`.

    Debugger compares two steps; that takes noise and a training which has converged for a fault.
    """
    losses = _losses(records, "train")
    if len(losses) < 2 * patience or not math.isfinite(losses[0]):
        return None
    # A median with NaN in it would depend on their order.
    losses = [loss if math.isfinite(loss) else math.inf for loss in losses]
    recent, before = median(losses[-patience:]), median(losses[-2 * patience : -patience])
    if recent < math.inf and any(recent <= past - decrease * abs(past) for past in (losses[0], before)):
        return None
    message = f"the training loss was {losses[0]:.4g} and is {recent:.4g} (median of {patience} records)"
    return message, {"first": losses[0], "recent": recent if math.isfinite(recent) else None}


def overfitting(about, records, *, patience=10, rise=0.1, ratio=0.1):
    """The validation loss was at its best `patience` records ago or earlier and is by the share `rise` above that,
    while the training loss went on falling by as much and the gap between the two is more than `ratio` of the training
    loss (Overfit: ratio_threshold 0.1). Losses are medians of `patience` / 2 records: one lucky batch is no best.

    The rise is the generalization loss of Prechelt, "Early Stopping - But When?" (1998), there 5 % and above.
    """
    pairs = [one["losses"] for one in records if {"train", "validation"} <= set(one["losses"])]
    width = max(1, patience // 2)
    if len(pairs) < patience + width or not all(math.isfinite(pair[name]) for pair in pairs for name in pair):
        return None
    train, validation = (
        [median(pair[name] for pair in pairs[at : at + width]) for at in range(len(pairs) - width + 1)]
        for name in ("train", "validation")
    )
    best = min(range(len(validation)), key=validation.__getitem__)
    since, lowest = len(validation) - 1 - best, validation[best]
    if since < patience or validation[-1] <= lowest + rise * abs(lowest):
        return None
    if train[-1] >= train[best] - rise * abs(train[best]) or validation[-1] - train[-1] <= ratio * abs(train[-1]):
        return None
    message = f"the validation loss was best {since} records ago ({lowest:.4g}) and is {validation[-1]:.4g} while the "
    message += f"training loss fell from {train[best]:.4g} to {train[-1]:.4g} (medians of {width} records)"
    return message, {"best": lowest, "validation": validation[-1], "train": train[-1], "records_since": since}


def dead_units(about, records, *, share=0.5, patience=5):
    """More than the share `share` of a layer's units is inactive in each of the last `patience` records (DeadRelu:
    threshold_layer 50 %)."""
    if len(records) < patience:
        return None
    dead = {}
    for layer, now in records[-1]["dead"].items():
        if all(one["dead"].get(layer, 0.0) > share for one in records[-patience:]):
            dead[layer] = now
    if not dead:
        return None
    layer = max(dead, key=lambda name: dead[name])
    message = f"of {_layers(dead)} more than {share:.0%} of the units are inactive ({layer}: {dead[layer]:.0%})"
    return message, {"layers": dead, "share": share}


def class_imbalance(about, records, *, times=10.0):
    """The largest class has more than `times` the rows of the smallest (ClassImbalance: threshold_imbalance 10)."""
    counts = about.get("labels") or {}
    if len(counts) < 2:
        return None
    least, most = (choose(counts, key=lambda name: counts[name]) for choose in (min, max))
    if counts[most] <= times * counts[least]:
        return None
    message = f"class {most!r} has {counts[most]} rows, class {least!r} {counts[least]}"
    return message, {"largest": counts[most], "smallest": counts[least], "times": times}


RULES = {
    rule.__name__: rule
    for rule in (
        vanishing_gradients,
        exploding_gradients,
        loss_not_decreasing,
        overfitting,
        dead_units,
        class_imbalance,
    )
}
DEFAULTS = {symptom: dict(rule.__kwdefaults__ or {}) for symptom, rule in RULES.items()}
LONGEST = 20  # records that a rule looks back on by default


def known(symptoms):
    """Raises ValueError for a symptom that there is no rule for."""
    wrong = sorted(set(symptoms) - set(RULES))
    if wrong:
        raise ValueError(f"no such symptom: {', '.join(wrong)}; known are {', '.join(RULES)}")


def thresholds(given):
    """The thresholds of every symptom, with those given in place of the defaults. Raises ValueError."""
    known(given)
    for symptom, values in given.items():
        wrong = sorted(set(values) - set(DEFAULTS[symptom]))
        if wrong:
            raise ValueError(f"{symptom} has no threshold {', '.join(wrong)}, only {', '.join(DEFAULTS[symptom])}")
    return {symptom: {**defaults, **given.get(symptom, {})} for symptom, defaults in DEFAULTS.items()}


def count_labels(y):
    """Rows by class. Raises ValueError for labels that are no classes but numbers."""
    counts = {}
    for label in y:
        if isinstance(label, float) and not label.is_integer():
            raise ValueError(f"label {label!r}: classes are expected; for numbers there is no class imbalance")
        counts[str(label)] = counts.get(str(label), 0) + 1
    return counts


def _losses(records, name):
    return [one["losses"][name] for one in records if name in one["losses"]]


def _layers(layers):
    names = list(layers)
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:3])} and {len(names) - 3} more layers"
