"""A challenger against the champion on recent rows: real models, and pairs by chance."""

import csv
import json
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from rehearsal.embedded import ROOT
from tests.workloads.tabling import Split, pack, rows, succeed

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
METRIC = ("--metric", "validation:log_loss", "--direction", "minimize", "--champion-version", "3")
Models = Mapping[str, Path]
Row = dict[str, str]


def write(path: Path, table: list[Row]) -> Path:
    """The folder of the file, which is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return path.parent


@pytest.fixture(scope="module")
def held_out(titanic: Split) -> list[Row]:
    """Rows that no model here has learned from, but for those of `validation`."""
    return rows(titanic.folder / "test" / "test.csv")


@pytest.fixture(scope="module")
def models(titanic: Split, tmp_path_factory: pytest.TempPathFactory) -> Models:
    """`good` and its `twin` of another seed; `weak` has hardly learned; `of_women` and `of_men` know one sex well."""
    folder, table = tmp_path_factory.mktemp("challengers"), rows(titanic.folder / "train" / "train.csv")
    turn = random.Random(0)
    made: dict[str, tuple[list[str], Callable[[Row], bool]]] = {
        "good": (["--iterations", "20"], lambda row: False),
        "twin": (["--iterations", "20", "--seed", "1", "--max-features", "0.5"], lambda row: False),
        "weak": (["--iterations", "1", "--learning-rate", "0.01"], lambda row: False),
        "of_women": (["--iterations", "20"], lambda row: row["Sex"] == "male"),
        "of_men": (["--iterations", "20"], lambda row: row["Sex"] == "female" and turn.random() < 0.5),
    }
    for name, (options, is_wrong) in made.items():
        known = [row | {"Survived": str(1 - int(row["Survived"]))} if is_wrong(row) else row for row in table]
        shutil.copytree(titanic.folder / "validation", folder / name / "validation")
        shutil.copy(titanic.folder / "train" / "data.json", write(folder / name / "train" / "train.csv", known))
        of = Split(titanic.code, titanic.table, titanic.target, folder / name)
        succeed(*of.training(folder / name / "model", *options))
        pack(folder / name / "model", folder / f"{name}.tar.gz")
    return {name: folder / f"{name}.tar.gz" for name in made}


@pytest.fixture
def meet(titanic: Split, models: Models, tmp_path: Path) -> Callable[..., Any]:
    """evaluation.json of a challenger and a champion, by their names; `today` are the rows of today's test set."""

    def run(challenger: str, champion: str, *more: object, today: Path = titanic.folder / "test") -> Any:
        given = ("--model", models[challenger], "--champion", models[champion], "--test", today)
        succeed(titanic.code, "evaluate", *given, "--output", tmp_path / "out", *METRIC, *more)
        return json.loads((tmp_path / "out" / "evaluation.json").read_text())

    return run


def test_a_challenger_that_is_better_on_recent_rows_wins_whatever_it_was_like_before(
    titanic: Split, held_out: list[Row], meet: Callable[..., Any], tmp_path: Path
) -> None:
    recent = write(tmp_path / "recent" / "2026-11-27T14-00-00Z" / "labelled.csv", held_out[:200]).parent
    turned = [row | {"Survived": str(1 - int(row["Survived"]))} for row in held_out]
    before = write(tmp_path / "before" / "test.csv", turned)
    learned = ("--trained", titanic.folder / "train", "--trained", titanic.folder / "validation")
    told = meet("good", "weak", "--recent", recent, "--champion-test", before, *learned)
    assert told["better"] is True, told["reason"]
    found = told["challenge"]["recent"]
    assert (found["rows"], found["verdict"], found["left_out"]["learned from"]) == (200, "wins", 0)
    assert 0 < found["interval"][0] < found["difference"] < found["interval"][1]
    assert found["difference"] == pytest.approx(found["champion"] - found["challenger"])
    assert told["challenge"]["champion_test"]["verdict"] == "does not win"
    assert told["reason"].startswith(f"on 200 recent rows log_loss is {found['challenger']:.6g}, that of champion")
    assert "all of it above the margin of 0; on today's test rows log_loss is" in told["reason"]
    assert "; on 263 rows of that champion's own test set log_loss is" in told["reason"]
    told = meet("good", "weak", "--recent", recent, "--margin", "0.3")
    assert told["better"] is False and "does not beat the margin of 0.3 by more than chance" in told["reason"]


@pytest.mark.parametrize("lucky_are", ["recent", "today"])
def test_luck_on_30_rows_does_not_win(
    held_out: list[Row], meet: Callable[..., Any], tmp_path: Path, lucky_are: str
) -> None:
    for seed in range(20):
        lucky = random.Random(seed).sample(held_out, 30)
        told = meet("twin", "good", today=write(tmp_path / f"today{seed}" / "test.csv", lucky))
        ours, theirs = (each["metrics"]["log_loss"]["value"] for each in (told, told["champion"]))
        if ours < theirs:  # by as little as it may be
            break
    else:
        pytest.fail("never lucky")
    if lucky_are == "recent":
        told = meet("twin", "good", "--recent", write(tmp_path / "recent" / "labelled.csv", lucky))
    found = told["challenge"][lucky_are]
    assert (told["better"], told["proven"]) == (False, False)
    assert found["difference"] > 0 > found["interval"][0]
    assert "by more than chance" in told["reason"]


def test_margin_and_segment_limit_hold_on_todays_test_rows_where_there_are_no_recent_ones(
    held_out: list[Row], meet: Callable[..., Any], tmp_path: Path
) -> None:
    told = meet("good", "weak")
    assert (told["better"], told["proven"], set(told["challenge"])) == (True, True, {"today"})
    assert told["reason"].startswith("on 263 of today's test rows log_loss is")
    told = meet("good", "weak", "--margin", "0.3")
    assert told["better"] is False and "does not beat the margin of 0.3 by more than chance" in told["reason"]
    told = meet("of_men", "of_women", "--segment", "Sex")
    assert (told["better"], told["challenge"]["today"]["verdict"]) == (False, "wins")
    assert "for Sex = female worse by" in told["reason"]
    told = meet("of_men", "of_women", "--segment", "Sex", "--segment-limit", "1")
    assert told["better"] is True
    few = write(tmp_path / "few" / "labelled.csv", held_out[:29])
    told = meet("good", "weak", "--recent", few, "--margin", "0.3")
    assert told["better"] is False and told["reason"].endswith("; there are 29 recent rows, too few to tell")


def test_a_test_set_that_is_too_small_to_tell_leaves_the_champion(
    held_out: list[Row], meet: Callable[..., Any], tmp_path: Path
) -> None:
    told = meet("good", "weak", today=write(tmp_path / "today" / "test.csv", held_out[:29]))
    ours, theirs = (each["metrics"]["log_loss"]["value"] for each in (told, told["champion"]))
    assert (ours < theirs, told["better"], told["proven"]) == (True, False, False)
    assert told["reason"].endswith("of champion version 3; there are 29 test rows, too few to tell")
    told = meet("good", "weak", today=write(tmp_path / "alike" / "test.csv", held_out[:29] * 10))
    assert told["better"] is False
    assert told["reason"].endswith("; there are 290 test rows, 29 of them distinct, too few to tell")


def test_a_challenger_that_is_worse_on_a_protected_segment_does_not_win(
    held_out: list[Row], meet: Callable[..., Any], tmp_path: Path
) -> None:
    recent = ("--recent", write(tmp_path / "recent" / "labelled.csv", held_out))
    told = meet("of_men", "of_women", *recent, "--segment", "Sex")
    women, men = told["challenge"]["recent"]["segments"]
    assert (women["value"], women["verdict"], men["verdict"]) == ("female", "worse", "not worse")
    assert told["challenge"]["recent"]["verdict"] == "wins"
    assert told["better"] is False and "for Sex = female worse by" in told["reason"]
    assert "beyond the limit of 0.05" in told["reason"]
    few = [row for row in held_out if row["Sex"] == "male"] + [row for row in held_out if row["Sex"] == "female"][:20]
    told = meet("of_men", "of_women", "--recent", write(tmp_path / "few" / "labelled.csv", few), "--segment", "Sex")
    assert told["better"] is True
    assert told["challenge"]["recent"]["segments"][0]["verdict"] == "not told by its rows"


def test_without_recent_rows_it_is_as_without_asking(meet: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "recent").mkdir()
    (tmp_path / "recent" / "manifest.json").write_text("{}")  # what stands in for no rows
    plain, told = (
        meet("weak", "good", *more)
        for more in ((), ("--recent", tmp_path / "recent", "--champion-test", tmp_path / "recent"))
    )
    assert told["better"] is plain["better"] is False
    assert told["challenge"]["today"] == plain["challenge"]["today"]
    assert told["reason"] == f"{plain['reason']}; no recent rows"


def test_rows_that_were_learned_or_cannot_be_read_do_not_count_and_are_counted(
    titanic: Split, held_out: list[Row], meet: Callable[..., Any], tmp_path: Path
) -> None:
    learned = rows(titanic.folder / "train" / "train.csv")
    # As a request may write them: other columns first, and numbers otherwise.
    again = [{**row, "Age": f"{float(row['Age']):.3f}" if row["Age"] else ""} for row in reversed(learned)]
    write(tmp_path / "recent" / "a" / "labelled.csv", [*again, *held_out[:9], {**held_out[9], "Survived": "maybe"}])
    write(tmp_path / "recent" / "b" / "labelled.csv", [{"Age": "3", "Survived": "1"}])
    (tmp_path / "recent" / "c").mkdir()
    (tmp_path / "recent" / "c" / "labelled.csv").write_bytes(b"\xff\xfe")
    told = meet("good", "weak", "--recent", tmp_path / "recent", "--trained", titanic.folder / "train")
    found = told["challenge"]["recent"]
    assert (found["rows"], found["verdict"]) == (9, "too few rows")
    assert found["left_out"] == {
        "learned from": 787,
        "in files that cannot be read or lack columns": 2,
        "label of no known class": 1,
    }
    assert told["better"] is True
    assert told["reason"].endswith("; there are 9 recent rows, beside 790 that do not count, too few to tell")


def test_recent_rows_are_of_the_newest_windows_that_have_enough_rows_that_count_and_differ(
    titanic: Split, held_out: list[Row], meet: Callable[..., Any], tmp_path: Path
) -> None:
    learned, recent = rows(titanic.folder / "train" / "train.csv"), tmp_path / "recent"
    windows = {"26": learned[:320], "25": held_out[:200], "24": held_out[200:], "23": held_out[:50]}
    for day, table in windows.items():
        write(recent / f"2026-11-{day}T02-00-00Z" / "labelled.csv", table)
    found = meet("good", "weak", "--recent", recent)["challenge"]["recent"]
    assert (found["rows"], found["files"]) == (320, 1)
    # What was learned from makes none, and of 10 rows that come 40 times each there are 10.
    write(recent / "2026-11-27T02-00-00Z" / "labelled.csv", held_out[:10] * 40)
    found = meet("good", "weak", "--recent", recent)["challenge"]["recent"]
    assert (found["rows"], found["distinct"], found["files"]) == (720, 330, 2)
    found = meet("good", "weak", "--recent", recent, "--trained", titanic.folder / "train")["challenge"]["recent"]
    assert (found["rows"], found["files"], found["left_out"]["learned from"]) == (400 + 263 + 50, 5, 320)


def test_a_drift_of_one_day_is_answered_at_once(tmp_path: Path) -> None:
    asked = ("--trials", 40, "--rows", 200, "--cases", "1 day", "--output", tmp_path / "told.json")
    succeed("-m", "bench.contest_windows", *asked, PYTHONPATH=str(ROOT))
    assert json.loads((tmp_path / "told.json").read_text())["1 day"]["200"] >= 0.95


def test_a_model_that_is_not_good_enough_does_not_win_by_recent_rows(
    held_out: list[Row], meet: Callable[..., Any], tmp_path: Path
) -> None:
    recent = write(tmp_path / "recent" / "labelled.csv", held_out)
    told = meet("good", "weak", "--recent", recent, "--worst", "0.01")
    assert (told["better"], "challenge" in told) == (False, False)


def ask(*asked: dict[str, Any]) -> Any:
    return json.loads(succeed(HERE / "contest_rows.py", text=json.dumps(asked)))


def test_of_a_pair_never_do_both_win() -> None:
    won, vetoed = 0, 0
    for one, other in ask(*({"kind": "swapped", "seed": seed} for seed in range(300))):
        assert not one["verdict"] == other["verdict"] == "wins"
        assert one["distinct"] >= 30 or one["verdict"] == other["verdict"] == "too few rows"
        assert (one["difference"] is None) == (other["difference"] is None)
        if one["difference"] is not None:
            assert one["difference"] == pytest.approx(-other["difference"])
        if one["interval"] is not None:
            assert one["interval"] == pytest.approx([-end for end in reversed(other["interval"])])
        for mine, yours in zip(one["segments"], other["segments"], strict=True):
            assert mine["value"] == yours["value"] and not mine["verdict"] == yours["verdict"] == "worse"
            vetoed += "worse" in (mine["verdict"], yours["verdict"])
        won += "wins" in (one["verdict"], other["verdict"])
    assert won > 30 and vetoed > 30


def test_rows_that_are_alike_say_as_much_as_one_of_them() -> None:
    for one, five in ask(*({"kind": "copied", "seed": seed} for seed in range(20))):
        assert (one["rows"], five["rows"], five["distinct"]) == (40, 200, 40)
        assert five["interval"] == (None if one["interval"] is None else pytest.approx(one["interval"]))


def test_of_equal_models_luck_wins_seldom(titanic: Split, models: Models) -> None:
    asked = {"kind": "luck", "trials": 500, "test": str(titanic.folder / "test")}
    asked["models"] = [str(models["good"]), str(models["weak"])]
    rates = ask(*({**asked, "rows": count} for count in (30, 100)))
    assert max(rates) <= 0.06, rates
