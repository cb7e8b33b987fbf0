"""Calls that come at the same time are answered together, each with its own answer."""

import threading
from collections.abc import Callable, Sequence

import pytest

from config.combining import Combined


class Doubling:
    """Doubles numbers; its first work waits until it is let go. Remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[list[int]] = []
        self.began, self.go_on = threading.Event(), threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.given.append(list(numbers))
        if len(self.given) == 1:
            self.began.set()
            self.go_on.wait(30)
        if len(numbers) > 1 and 13 in numbers:
            raise RuntimeError("together it doesn't work")
        if 7 in numbers:
            raise ValueError("seven")
        return [2 * number for number in numbers]


def called_at_once(doubling: Doubling, numbers: Sequence[int], most: int = 16) -> dict[int, object]:
    """Call with the first; once it is at work, with all others; then let it go on."""
    combined = Combined(doubling, most=most)
    said: dict[int, object] = {}

    def call(number: int) -> None:
        try:
            said[number] = combined(number)
        except ValueError as error:
            said[number] = str(error)

    threads = [threading.Thread(target=call, args=[number]) for number in numbers]
    threads[0].start()
    doubling.began.wait(30)
    for thread in threads[1:]:
        thread.start()
    until(lambda: len(combined._waiting) == len(numbers) - 1)
    doubling.go_on.set()
    for thread in threads:
        thread.join(30)
    return said


def until(condition: Callable[[], bool]) -> None:
    turn = threading.Event()
    while not condition():
        turn.wait(0.001)


def test_answers_a_lonely_call_at_once() -> None:
    doubling = Doubling()
    doubling.go_on.set()

    assert Combined(doubling)(4) == 8
    assert doubling.given == [[4]]


def test_answers_all_that_waited_by_one_piece_of_work() -> None:
    doubling = Doubling()

    said = called_at_once(doubling, range(100, 110))

    assert said == {number: 2 * number for number in range(100, 110)}
    assert [len(numbers) for numbers in doubling.given] == [1, 9]


def test_takes_no_more_at_once_than_it_may() -> None:
    doubling = Doubling()

    said = called_at_once(doubling, range(100, 110), most=4)

    assert said == {number: 2 * number for number in range(100, 110)}
    assert [len(numbers) for numbers in doubling.given] == [1, 4, 4, 1]


def test_lets_each_do_its_own_where_it_fails_for_all() -> None:
    doubling = Doubling()

    said = called_at_once(doubling, [1, 13, 7, 2])

    assert said == {1: 2, 13: 26, 7: "seven", 2: 4}


def test_raises_what_is_the_callers_own() -> None:
    doubling = Doubling()
    doubling.go_on.set()

    with pytest.raises(ValueError, match="seven"):
        Combined(doubling)(7)
