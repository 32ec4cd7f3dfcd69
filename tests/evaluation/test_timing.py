"""Repeats by a clock that the test turns, memory by allocations that it makes."""

import statistics

import torch

from cadnet.evaluation.timing import TURNS, interleaved, peak, seconds

CPU = torch.device("cpu")


class Machine:
    """A clock that runs move forward, and who ran in which order."""

    def __init__(self, slower=lambda now: 1.0):
        self.now, self.order, self.slower = 0.0, [], slower

    def run(self, name, length):
        def go():
            self.order.append(name)
            self.now += length * self.slower(self.now)

        return go

    def measure(self, lengths, firsts, budget):
        runs = [self.run(name, length) for name, length in lengths.items()]
        return interleaved(runs, firsts, budget, clock=lambda: self.now)


def test_runs_come_in_turns_and_a_turns_first_does_not_count():
    machine = Machine()
    short, long = machine.measure({"a": 0.0625, "b": 0.5}, [9e-9, 0.5], budget=1.25)
    # A turn is a quarter of a second: four of a, one of b.
    assert "".join(machine.order) == "aaaab" * 3 + "aaaa" * 2
    assert short == [0.0625] * 3 * TURNS
    assert long == [0.5] * 3


def test_what_takes_the_budget_at_first_is_not_repeated():
    machine = Machine()
    assert machine.measure({"a": 8.0, "b": 0.5}, [10.0, 0.75], budget=1.0) == [[10], [0.5, 0.5]]
    assert machine.order == ["b", "b"]
    assert seconds(machine.run("c", 2), clock=lambda: machine.now) == 2


def test_a_machine_that_slows_down_is_equally_slow_for_all():
    """One after the other, the second of two alike would take 1.5 times as long as the first."""
    machine = Machine(slower=lambda now: 1 + now)
    a, b = machine.measure({"a": 0.01, "b": 0.01}, [0, 0], budget=1.0)
    ratio = statistics.median(b) / statistics.median(a)
    assert 1 <= ratio < 1.25
    assert b[-1] > 2 * a[0]


def test_peak_is_the_highest_point_of_what_is_held():
    size = 2**20

    def run():
        first = torch.zeros(size, dtype=torch.uint8)
        second = torch.zeros(2 * size, dtype=torch.uint8)
        del first, second
        third = torch.zeros(2 * size, dtype=torch.uint8)
        return int(third[-1])

    held, result = peak(run, CPU)
    assert held == 3 * size
    assert result == 0


def test_peak_counts_what_gradients_need():
    weight = torch.randn(256, 256, requires_grad=True)
    x = torch.randn(64, 256)

    def run():
        y = x
        for _ in range(5):
            y = torch.tanh(y @ weight)  # each output is kept for the backward pass
        return y

    with_gradients, _ = peak(run, CPU)
    with torch.no_grad():
        without, _ = peak(run, CPU)
    assert without == 3 * x.nbytes  # what goes in, the product, what comes out
    assert with_gradients == 6 * x.nbytes
