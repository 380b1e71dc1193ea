"""How people use notebooks and endpoints: in stretches, with pauses, and then forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from bench.money.model import Model
from bench.money.traces import REGION
from bench.money.world import DAY, END, WARM_UP, Thing, Use
from controls.pricing.prices import Prices
from controls.resource import Kind

_NOON = 720


def things(people: int, model: Model, seed: int, prices: Prices) -> Iterator[Thing]:
    """Each draws by itself, so that more of one kind leave the others as they are."""
    for person in range(people):
        yield from _of_person(person, model, seed, prices)
    for number in range(round(people * model.dev_endpoints)):
        instance_type = ("ml.m5.xlarge", "ml.g5.xlarge")[number % 2]
        uses = tuple(_calls(model, Random(f"dev {seed} {number}")))
        yield _endpoint(f"dev-{number}", instance_type, uses[0].start, uses, model, prices)
    for number in range(round(people * model.tries)):
        instance_type = ("ml.m5.xlarge", "ml.g5.xlarge")[number % 2]
        uses = tuple(_tries(model, Random(f"try {seed} {number}")))
        yield _endpoint(f"try-{number}", instance_type, uses[0].start, uses, model, prices)
    for number in range(round(people * model.prod_endpoints)):
        always = (Use(WARM_UP, END),)
        served = _endpoint(f"prod-{number}", "ml.g5.xlarge", WARM_UP, always, model, prices)
        yield replace(served, environment="prod")


def _of_person(person: int, model: Model, seed: int, prices: Prices) -> Iterator[Thing]:
    random = Random(f"person {seed} {person}")
    has_gpu, has_unopened = random.random() < model.gpu_people, random.random() < model.never_opened
    has_instance = random.random() < model.notebook_instances
    names, weights = zip(*model.types, strict=True)
    main = random.choices(names, weights)[0]
    kind = Kind.NOTEBOOK_INSTANCE if has_instance else Kind.APP
    yield _studio(kind, f"notebook-{person}", main, tuple(_days(1.0, model, random)), model, prices)
    random = Random(f"gpu {seed} {person}")
    if has_gpu:
        uses = tuple(_days(model.gpu_days, model, random))
        yield _studio(Kind.APP, f"gpu-{person}", "ml.g5.xlarge", uses, model, prices)
    if has_unopened:
        made = random.randrange(0, END // DAY - 1) * DAY + random.randint(*model.begins)
        yield _studio(Kind.APP, f"unopened-{person}", "ml.m5.xlarge", (), model, prices, made=made)


def _studio(
    kind: Kind, name: str, instance_type: str, uses: tuple[Use, ...], model: Model, prices: Prices, made: int = END
) -> Thing:
    component = "Notebook" if kind is Kind.NOTEBOOK_INSTANCE else "Studio"
    return Thing(
        kind=kind,
        name=name,
        instance_type=instance_type,
        usd_per_hour=prices.rate(REGION, component, instance_type).usd_per_hour,
        start_minutes=model.app_start,
        made=uses[0].start if uses else made,
        uses=uses,
    )


def _endpoint(name: str, instance_type: str, made: int, uses: tuple[Use, ...], model: Model, prices: Prices) -> Thing:
    return Thing(
        kind=Kind.ENDPOINT,
        name=name,
        instance_type=instance_type,
        usd_per_hour=prices.rate(REGION, "Hosting", instance_type).usd_per_hour,
        start_minutes=model.endpoint_start,
        made=made,
        uses=uses,
    )


def _working(model: Model, random: Random) -> Iterator[tuple[int, int]]:
    """Begin and end of each day on which a person works."""
    for day in range(WARM_UP // DAY, END // DAY):
        weekend = day % 7 >= 5
        if random.random() < (model.weekend_work if weekend else model.attendance):
            yield day * DAY + random.randint(*model.begins), day * DAY + random.randint(*model.ends)


def _days(share: float, model: Model, random: Random) -> Iterator[Use]:
    """Stretches of work on a share of one's days; what follows the last of a day is the night."""
    for begin, end in _working(model, random):
        if random.random() >= share:
            continue
        noon = begin // DAY * DAY + _NOON
        stretches = [
            *_stretches(begin, noon, (model.burst, model.pause), model.shortest, random),
            *_stretches(noon + random.randint(*model.lunch), end, (model.burst, model.pause), model.shortest, random),
        ]
        yield from (Use(*stretch) for stretch in stretches[:-1])
        start, end = stretches[-1]
        if random.random() < model.night_cell:
            yield Use(start, end + random.randint(*model.night_cell_length))
        else:
            kernel, tidied = random.random() < model.open_kernel, random.random() < model.tidy
            yield Use(start, end, kernel, tidied)


def _stretches(
    begin: int, end: int, means: tuple[float, float], shortest: int, random: Random
) -> Iterator[tuple[int, int]]:
    """Begin and end of each stretch; `means` of its length and of the pause after it."""
    at = begin
    while at + shortest <= end:
        stop = min(end, at + max(shortest, round(random.expovariate(1 / means[0]))))
        yield at, stop
        at = stop + 1 + round(random.expovariate(1 / means[1]))


def _calls(model: Model, random: Random) -> Iterator[Use]:
    """Calls of a development endpoint on some working days."""
    for day in range(WARM_UP // DAY, END // DAY):
        first = day == WARM_UP // DAY
        if day % 7 < 5 and (first or random.random() < model.dev_days):
            begin, end = day * DAY + random.randint(*model.begins), day * DAY + random.randint(*model.ends)
            means = (model.dev_burst, model.dev_pause)
            yield from (Use(*each) for each in _stretches(begin, end, means, 1, random))


def _tries(model: Model, random: Random) -> Iterator[Use]:
    """A new model is tried on a working day, perhaps once more, and its endpoint then ended or forgotten."""
    day = random.choice([day for day in range(END // DAY) if day % 7 < 5])
    start = day * DAY + random.randint(model.begins[1], model.ends[0])
    uses = [Use(start, start + random.randint(*model.try_length))]
    if random.random() < model.tried_again:
        again = start + random.randint(1, model.again_within) * DAY
        uses.append(Use(again, again + random.randint(*model.try_length)))
    if random.random() < model.tidy:
        uses[-1] = replace(uses[-1], tidied=True)
    yield from (use for use in uses if use.end <= END)
