"""What is kept of an array: a few numbers and a histogram.

The bins are the same for every array, step and job, so that histograms can be added up. They are log-symmetric: one
around zero, and on either side of it four to a decade from 1e-12 to 10,000. What is larger
counts in the last bin.
"""

# pyright: reportMissingImports=false

SMALLEST, LARGEST = -12, 4  # decades
BINS_PER_DECADE = 4
SIDE = (LARGEST - SMALLEST) * BINS_PER_DECADE
BINS = 2 * SIDE + 1
ZERO = SIDE  # the index of the bin around zero


def describe(values):
    """The statistics of an array of numbers of any shape, as JSON can hold them.

    `size`, `nonfinite` and `zeros` (shares, 0 to 1); of the finite values `mean`, `std`, `min`, `max`, `mean_abs`,
    `norm` (Euclidean), all None when there are none; `first` and `counts`: the histogram from bin `first` on.
    """
    import numpy as np

    # float32 would overflow where a norm of float32 values is taken.
    flat = np.asarray(values, dtype=np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    kept = {"size": int(flat.size), "nonfinite": _share(flat.size - finite.size, flat.size)}
    kept["zeros"] = _share(int((flat == 0).sum()), flat.size)
    if not finite.size:
        nothing = dict.fromkeys(("mean", "std", "min", "max", "mean_abs", "norm"))
        return {**kept, **nothing, "first": ZERO, "counts": [0]}
    magnitude = np.abs(finite)
    with np.errstate(over="ignore"):
        numbers = {
            "mean": finite.mean(),
            "std": finite.std(),
            "min": finite.min(),
            "max": finite.max(),
            "mean_abs": magnitude.mean(),
            "norm": np.sqrt((finite**2).sum()),
        }
    # Six digits are more than any picture or rule needs, and half the size of the file. Past float64 is the largest.
    rounded = {name: float(f"{min(number, 1e308):.6g}") for name, number in numbers.items()}
    return {**kept, **rounded, **_histogram(finite, magnitude)}


def edges(index):
    """The values between which bin `index` (0 to BINS - 1) counts."""
    if index == ZERO:
        return -(10.0**SMALLEST), 10.0**SMALLEST
    if index < ZERO:
        low, high = edges(2 * ZERO - index)
        return -high, -low
    exponent = SMALLEST + (index - ZERO - 1) / BINS_PER_DECADE
    return 10.0**exponent, 10.0 ** (exponent + 1 / BINS_PER_DECADE)


def merged(statistics):
    """The histograms of several `describe` answers added up: BINS counts."""
    total = [0] * BINS
    for one in statistics:
        for offset, count in enumerate(one["counts"]):
            total[one["first"] + offset] += count
    return total


def _histogram(values, magnitude):
    import numpy as np

    index = np.zeros(values.size, dtype=np.int64)
    counted = magnitude >= 10.0**SMALLEST
    steps = np.floor((np.log10(magnitude[counted]) - SMALLEST) * BINS_PER_DECADE).astype(np.int64)
    index[counted] = np.clip(steps + 1, 1, SIDE)
    counts = np.bincount(ZERO + np.sign(values).astype(np.int64) * index, minlength=BINS)
    used = np.flatnonzero(counts)
    return {"first": int(used[0]), "counts": counts[used[0] : used[-1] + 1].tolist()}


def _share(count, size):
    return round(count / size, 6) if size else 0.0
