"""Writes docs/review-corpus.md: every pair of tests/review/corpus, and what the review says of it.

.venv/bin/python -m bench.review_corpus_page
"""

from collections.abc import Iterator
from itertools import groupby

from bench.figure import ROOT
from bench.review_corpus import Case, cases

PAGE = ROOT / "docs" / "review-corpus.md"
_HEAD = """# What a review says, by example

Each line is a pair of small templates in [tests/review/corpus](../tests/review/corpus), with what the review must say
of the change from one to the other: what happens to which resource, and which findings stand where. Nothing else may be
found, and turned round the review must say the opposite: what is added is destroyed, what is widened is narrowed. A
test holds the review to it; this page is written from the same files by `python -m bench.review_corpus_page`.

What is expected is what CloudFormation's schemas and AWS's documentation say, not what the review happens to answer.
*or*: either will do. *perhaps*: it may be said. The last column is CDK's own word, where it is known: `cdk diff` and
its `permissionsBroadened`.
"""


def page() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD.rstrip()
    for theme, group in groupby(cases(), lambda case: case.theme):
        of_theme = list(group)
        yield f"\n## {theme}\n\n{len(of_theme)} pairs.\n"
        yield "| what changes | what happens | findings | CDK |\n|---|---|---|---|"
        yield from (
            f"| {_cell(case.title)} | {_changes(case)} | {_findings(case)} | {_cell(case.cdk)} |" for case in of_theme
        )


def _changes(case: Case) -> str:
    expect = case.expect
    parts = [f"`{name}` {_said(action)}" for name, action in expect.changes.items()] or ["nothing"]
    parts += [f"`{name}`: its code alone" for name in expect.code_only]
    if expect.cost:
        parts.append({"up": "costs more", "down": "costs less", "same": "costs the same"}[expect.cost])
    parts += [f"never shows `{word}`" for word in expect.never]
    return _cell(", ".join(parts))


def _findings(case: Case) -> str:
    return _cell("; ".join(f"`{name}` {', '.join(map(_said, found))}" for name, found in case.expect.findings.items()))


def _said(expected: str) -> str:
    ways = [way.strip() for way in expected.split(" or ")]
    perhaps = "perhaps " if any(way.endswith("?") for way in ways) else ""
    return perhaps + " or ".join(way.removesuffix("?") for way in ways)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
