"""Theorem C.1 and its definitions, seen again by means other than the ledger's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

import pytest

from theory import equivariance
from theory.equivariance import HYPOTHESES, Instance
from theory.evidence import Evidence, Verdict

C = Verdict.CERTIFIED
SWAP_MODEL = ((1, -1), (-1, 1))
KEEP = (0, 1)
FLIP = (1, 0)


def outcome(instance: Instance, data: int) -> dict[tuple[int, int], Fraction]:
    """The law of the hypothesis as a function of x (for data 0) or of g x (for data 1), path by path."""
    law: dict[tuple[int, int], Fraction] = {}
    for weight, mass in ((0, 1 - instance.start), (1, instance.start)):
        w = weight
        for _ in range(instance.steps):
            w = instance.update[data][w]
        seen = tuple(instance.model[w][1 - x if data else x] for x in (0, 1))
        law[seen] = law.get(seen, Fraction(0)) + mass
    return {h: p for h, p in law.items() if p}


KNOWN = {
    "all three hypotheses": (Instance(SWAP_MODEL, (KEEP, KEEP), Fraction(1, 2), 2), {1, 2, 3}, True),
    "a start that prefers one weight": (Instance(SWAP_MODEL, (KEEP, KEEP), Fraction(1, 4), 0), {1, 2}, False),
    "an update that prefers one weight": (Instance(SWAP_MODEL, ((0, 0), (0, 0)), Fraction(1, 2), 1), {1, 3}, False),
    "a model that prefers one label": (Instance(((1, -1), (1, -1)), (KEEP, KEEP), Fraction(1, 2), 0), {2, 3}, False),
    "no hypothesis, yet equivariant": (Instance(((1, 1), (-1, -1)), ((0, 0), (0, 0)), Fraction(1, 4), 1), set(), True),
    "updates that flip": (Instance(SWAP_MODEL, (FLIP, FLIP), Fraction(1, 2), 1), {1, 2, 3}, True),
}


@pytest.mark.parametrize(("instance", "holding", "equivariant"), KNOWN.values(), ids=KNOWN)
def test_known_instances(instance: Instance, holding: set[int], equivariant: bool) -> None:
    assert {k for k, holds in HYPOTHESES.items() if holds(instance)} == holding
    assert (outcome(instance, 0) == outcome(instance, 1)) is equivariant
    assert equivariance._is_equivariant(instance) is equivariant


def test_the_theorem_on_every_instance_by_a_second_implementation() -> None:
    instances = list(equivariance._instances())
    assert len(instances) == 16 * 16 * 5 * 3
    assert len(set(instances)) == len(instances)
    chosen = [i for i in instances if all(holds(i) for holds in HYPOTHESES.values())]
    assert len(chosen) == 4 * 4 * 3  # half a model, half an update rule, one start, three lengths
    assert all(outcome(i, 0) == outcome(i, 1) for i in chosen)
    assert [equivariance._is_equivariant(i) for i in instances] == [outcome(i, 0) == outcome(i, 1) for i in instances]


@pytest.mark.parametrize("dropped", [1, 2, 3])
def test_each_hypothesis_is_needed(dropped: int) -> None:
    kept = [holds for k, holds in HYPOTHESES.items() if k != dropped]
    chosen = [i for i in equivariance._instances() if all(holds(i) for holds in kept)]
    assert any(outcome(i, 0) != outcome(i, 1) for i in chosen)


def test_counting_the_equivariant_algorithms_by_formula() -> None:
    """With all permutations of 3 points: a hypothesis fixed by the swap of two points is free, 4 of them."""
    hypotheses = list(itertools.product((-1, 1), repeat=3))
    permutations = list(itertools.permutations(range(3)))
    count = sum(
        all(a[g[x]][g[t]] == a[x][t] for g in permutations for x in range(3) for t in range(3))
        for a in itertools.product(hypotheses, repeat=3)
    )
    assert count == 4
    assert equivariance.count_equivariant().verdict is C


MUTANTS: dict[str, tuple[Callable[..., Evidence], dict[str, object]]] = {
    "a coin with three sides": (equivariance.equality_in_law, {"sides": 3}),
    "a coin with one side": (equivariance.equality_in_law, {"sides": 1}),
    "one generator only": (equivariance.generators_suffice, {"second": False}),
    "no composition": (equivariance.count_equivariant, {"compose": False}),
    "data not transposed": (equivariance.first_layer_gradient, {"data": "D"}),
    "another matrix": (equivariance.first_layer_gradient, {"data": "E'"}),
    "chain rule cut short": (equivariance.polynomial_networks, {"forget": True}),
    "no update rule": (equivariance.pathwise, {"update_commutes": False}),
    "no invariant start": (equivariance.in_law, {"invariant_start": False}),
    "without (1)": (equivariance.exhaustive, {"needed": (2, 3)}),
    "without (2)": (equivariance.exhaustive, {"needed": (1, 3)}),
    "without (3)": (equivariance.exhaustive, {"needed": (1, 2)}),
    "nothing needed": (equivariance.exhaustive, {"needed": ()}),
    "nothing dropped": (equivariance.all_needed, {"dropped": ((),)}),
    "nothing asked": (equivariance.all_needed, {"dropped": ()}),
}


@pytest.mark.parametrize(("check", "changes"), MUTANTS.values(), ids=MUTANTS)
def test_no_mutant_is_certified(check: Callable[..., Evidence], changes: dict[str, object]) -> None:
    assert check().verdict is C
    assert check(**changes).verdict is not C


def test_first_layer_gradient_by_exact_central_differences() -> None:
    """For a loss that is quadratic in W, central differences are exact: dL/dW = delta D'."""
    w, points, labels = (
        [Fraction(2), Fraction(-1, 3)],
        [[Fraction(1), Fraction(2)], [Fraction(3), Fraction(-1)]],
        [1, -1],
    )

    def loss(weights: list[Fraction]) -> Fraction:
        return sum(
            (sum(a * b for a, b in zip(weights, x, strict=True)) - y) ** 2 for x, y in zip(points, labels, strict=True)
        )

    delta = [2 * (sum(a * b for a, b in zip(w, x, strict=True)) - y) for x, y in zip(points, labels, strict=True)]
    for j in range(2):
        up, down = ([v + s * (i == j) for i, v in enumerate(w)] for s in (1, -1))
        assert (loss(up) - loss(down)) / 2 == sum(d * x[j] for d, x in zip(delta, points, strict=True))
