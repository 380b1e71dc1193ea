"""The cloud's clock: order, what holds a skip, and what fails on the way."""

import threading

import pytest

from rehearsal.sagemaker.clock import Clock


def test_what_falls_due_is_done_in_its_order_each_at_its_own_moment() -> None:
    clock, told = Clock(), list[tuple[str, float]]()
    began = clock.now()
    for name, seconds in (("second", 7200), ("first", 3600), ("never", 90_000)):
        clock.after(seconds, lambda name=name: told.append((name, clock.now())))
    clock.after(1800, lambda: clock.after(600, lambda: told.append(("on the way", clock.now()))))
    after = clock.advance(86_400)
    assert [name for name, _ in told] == ["on the way", "first", "second"]
    assert [round((moment - began) / 60) for _, moment in told] == [40, 60, 120]
    assert after - began >= 86_400


def test_an_action_that_fails_is_told_when_all_others_are_done_and_stops_nothing() -> None:
    clock, done, later = Clock(), list[int](), threading.Event()
    clock.after(60, lambda: done.append(1))
    clock.after(120, lambda: [][0])
    clock.after(180, lambda: done.append(2))
    with pytest.raises(RuntimeError, match="1 of what fell due failed; the first: IndexError"):
        clock.advance(3600)
    assert done == [1, 2]
    clock.after(0, lambda: [][0])
    clock.after(0.01, later.set)
    assert later.wait(10), "the clock goes on by itself too"


def test_a_skip_waits_for_what_it_started_before_it_goes_on() -> None:
    clock, moments = Clock(), list[float]()

    def works() -> None:
        clock.begin("work")

        def work() -> None:
            over.wait(10)
            moments.append(clock.now())
            clock.end("work")

        threading.Thread(target=work).start()

    over, began = threading.Event(), clock.now()
    clock.after(60, works)
    threading.Timer(0.2, over.set).start()
    clock.advance(3600)
    assert round((moments[0] - began) / 60) == 1
