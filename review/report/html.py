"""The review as one HTML file that needs nothing else: no script, no network, in light and in dark, on paper too."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from controls.reporting.style import STYLE
from review.model import Action, Kind, Review
from review.report.sheet import DONE, MEANING, NAMES, Sheet, count, difference, line, signed
from review.verdict import grade

_GRAVE = (Action.DESTROY, Action.REPLACE, Action.MOVE)


def page(review: Review) -> str:
    """Everything that the review says, with what is long folded away."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # every name is other people's
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"line": line, "signed": signed, "grade": grade, "difference": difference}
    return environment.get_template("review.html.jinja").render(
        review=review,
        sheet=Sheet(review),
        style=STYLE,
        Kind=Kind,
        done=DONE,
        kinds=NAMES,
        count=count,
        grave=_GRAVE,
        meaning=MEANING,
    )
