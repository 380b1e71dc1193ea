"""What is checked of the review's page before it is drawn, and how the picture is cut."""

import struct
import zlib
from dataclasses import replace

import pytest

from bench.review_picture import Measured, UnreadableError, check, cropped, opened

READABLE = Measured(
    window=1200, width=1200, height=900, texts=9, contrast=5.0, faintest="why", cut=[], ground="rgb(255, 255, 255)"
)


def test_a_page_is_readable_that_is_no_wider_than_the_window_cuts_nothing_and_has_contrast() -> None:
    check(READABLE)
    for wrong, told in (({"width": 1201}, "1201"), ({"cut": ["a name"]}, "a name"), ({"contrast": 4.4}, "4.4")):
        with pytest.raises(UnreadableError, match=told):
            check(replace(READABLE, **wrong))


def test_what_is_folded_is_opened() -> None:
    assert opened("<details><summary>a</summary>b</details>") == "<details open><summary>a</summary>b</details>"


def test_a_picture_is_cut_below_and_stays_a_picture() -> None:
    lines = b"".join(bytes([0, *[row] * 6]) for row in range(5))  # two pixels of three colours each
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 2, 5, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    made = cropped(png, 3)
    assert struct.unpack(">II", made[16:24]) == (2, 3) and made.startswith(png[:8])
    length = struct.unpack(">I", made[33:37])[0]
    assert made[37:41] == b"IDAT" and zlib.decompress(made[41 : 41 + length]) == lines[:21]
