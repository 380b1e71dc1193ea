"""Every pair of the corpus is reviewed as its expectations say, turned round as well."""

import pytest

from bench.review_corpus import cases
from bench.review_corpus_page import PAGE, page
from bench.review_wrong import wrong


@pytest.mark.slow
def test_a_fifth_of_the_corpus_is_reviewed_as_it_should_be() -> None:
    assert [f"{case.title}: {each}" for case in cases()[::5] for each in wrong(case)] == []


@pytest.mark.slow  # 400 reviews
@pytest.mark.parametrize("theme", dict.fromkeys(case.theme for case in cases()))
def test_the_review_says_what_the_corpus_expects_and_the_opposite_of_the_pair_turned_round(theme: str) -> None:
    assert [f"{case.title}: {each}" for case in cases() if case.theme == theme for each in wrong(case)] == []


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    titles = [case.title for case in cases()]
    assert len(titles) == len(set(titles)) >= 85
    about_rights = [case for case in cases() if any(map(_about_rights, case.expect.findings.values()))]
    assert len(about_rights) + sum(case.cdk == "false alarm" for case in cases()) >= 51


def _about_rights(rules: list[str]) -> bool:
    return any(part in rule for rule in rules for part in ("iam-", "trust-", "boundary-", "deny-", "policy-"))


def test_the_page_of_the_corpus_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m bench.review_corpus_page"
