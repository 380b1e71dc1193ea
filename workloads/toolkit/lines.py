"""The lines of a file of any size, in bounded memory."""

LONGEST_LINE = 4 * 2**20  # bytes; SageMaker takes requests of 25 MB, of which one line would be 33 MB
_CHUNK = 2**16


def lines(path, skipped):
    """The lines of a file that are not empty, as bytes; one of LONGEST_LINE or more is counted and left out."""
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                skipped["huge line"] += 1
                while (rest := file.readline(_CHUNK)) and not rest.endswith(b"\n"):
                    pass
            elif line.strip():
                yield line
