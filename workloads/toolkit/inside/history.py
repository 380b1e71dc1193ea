"""The file of what was recorded: JSON lines, the first of them about the whole, one for each step.

It stays small however long the training: when there are more records than `limit`, every second one is dropped and from
then on steps are recorded half as often. It lies in the checkpoint folder, so a restarted job goes on with it.
"""

import json

LIMIT = 200
# Statistics of one array take about 0.4 kB; with more layers there are fewer records, so the file stays near 5 MB.
ARRAYS, FEWEST = 12_000, 40


class History:
    """`about`: what is known once (`gap`: steps between two records, `fired`, `labels`...). `records`: oldest first."""

    def __init__(self, path, limit=LIMIT):
        self.path, self.limit = path, limit
        self.about, self.records = {"gap": 0, "fired": []}, []
        if path.is_file():
            self._load()

    def due(self, step):
        """Whether a record of this step would be kept."""
        last = self.records[-1]["step"] if self.records else step
        return step <= last or step >= last + self.about["gap"]

    def add(self, record):
        """Appends a record. Records of the same step and later ones go: the training was set back to a checkpoint."""
        kept = [one for one in self.records if one["step"] < record["step"]]
        set_back = len(kept) < len(self.records)
        self.records = [*kept, record]
        arrays = len(record["gradients"]) + len(record["weights"])
        full = len(self.records) > max(min(self.limit, ARRAYS // max(arrays, 1)), min(self.limit, FEWEST))
        if full:
            self.records = self.records[::2]
            # Steps need not follow each other by one, so the distance between records is measured.
            span = self.records[-1]["step"] - self.records[0]["step"]
            self.about["gap"] = round(span / (len(self.records) - 1))
        if full or set_back or not self.path.is_file():
            self.write()
        else:
            with self.path.open("a") as file:
                file.write(_line(record))

    def write(self):
        """Writes the file as a whole, or not at all if the process ends half-way."""
        write_whole(self.path, "".join(map(_line, [self.about, *self.records])))

    def _load(self):
        lines = self.path.read_text().split("\n")
        # A process that ended while it wrote leaves half a line, which has no end.
        whole = [json.loads(line) for line in lines[:-1]]
        if whole:
            self.about, self.records = whole[0], whole[1:]
        self.write()


def write_whole(path, text):
    """Writes `text` by way of a temporary name, which ends otherwise than the file, so nothing takes it for one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".half")
    half.write_text(text)
    half.replace(path)


def _line(content):
    # allow_nan: a loss may be NaN, which Python reads again.
    return json.dumps(content, separators=(",", ":"), allow_nan=True) + "\n"
