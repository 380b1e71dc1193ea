"""docs/rules.md is the pack's, as it is now."""

from review.governance import RULES
from review.governance.page import PATH, page


def test_the_page_is_current() -> None:
    assert PATH.read_text("utf-8") == page(), "run `make rules`"


def test_the_page_tells_each_rule_once_with_both_examples() -> None:
    text = page()
    for rule in RULES:
        assert text.count(f"\n### {rule.id}\n") == 1 and f"[{rule.id}](#{rule.id.lower()})" in text
    assert text.count("\nBroken:\n") == text.count("\nKept:\n") == len(RULES)
