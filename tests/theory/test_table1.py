"""Table 1 says what the paper prints, each cell has its step, and torch's own optimizers break as proved."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory import table1, table1_broken, table1_kept, table1_penalty
from theory.claims import Ledger
from theory.evidence import Evidence, Verdict
from theory.groups import GROUPS, act_on_points, is_subgroup
from theory.rewriting import Derivation, normalise
from theory.table1 import COLUMNS, ROWS, Cell, Row, cell, step_name, table
from theory.table1_broken import ROTATION, STRETCH
from theory.terms import Term, scalar

QUICK = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
F = Fraction
C = Verdict.CERTIFIED
COLUMN_NAMES = [c.name for c in COLUMNS]
# sign flip, permutation, signed permutation, orthogonal, linear; read off Table 1 of the paper by hand,
# the third column being the group that the first two generate
PRINTED = {
    "sgd": (True, True, True, True, False),
    "adam": (True, True, True, False, False),
    "adagrad": (True, True, True, False, False),
    "newton": (True, True, True, True, True),
    "kernel": (True, True, True, True, False),
    "symmetric": (True, False, False, False, False),
    "iid": (False, True, False, False, False),
    "iid-symmetric": (True, True, True, False, False),
    "gaussian": (True, True, True, True, False),
    "zero": (True, True, True, True, True),
    "no-penalty": (True, True, True, True, True),
    "l2": (True, True, True, True, False),
    "lp": (True, True, True, False, False),
}


def test_the_table_is_the_printed_one() -> None:
    found = {row.name: tuple(c.holds for c in table() if c.row == row.name) for row in ROWS}
    assert found == PRINTED


def test_every_cell_is_decided_once_in_order() -> None:
    assert [(c.row, c.group) for c in table()] == [(r.name, g) for r in ROWS for g in COLUMN_NAMES]
    assert COLUMN_NAMES == ["sign_flip", "permutation", "signed_permutation", "orthogonal", "general_linear"]


@pytest.mark.parametrize("found", table(), ids=lambda c: f"{c.row}-{c.group}")
def test_each_cell_rests_on_a_step_of_the_ledger(ledger: Ledger, found: Cell) -> None:
    assert found.step in {s.name for s in ledger.steps["table-1"]}
    small, large = (found.group, found.shown_for) if found.holds else (found.shown_for, found.group)
    assert is_subgroup(GROUPS[small], GROUPS[large])


def test_each_step_about_a_row_is_used_by_some_cell(ledger: Ledger) -> None:
    named = {s.name for s in ledger.steps["table-1"] if s.kernel is None}
    about_rows = {name for name in named if " keeps " in name or " breaks " in name}
    wanted = {step_name(r, "keeps", r.keeps) for r in ROWS} | {
        step_name(r, "breaks", b) for r in ROWS for b in r.breaks
    }
    assert about_rows == wanted == {c.step for c in table()}


OPEN = {
    "nothing broken": (Row("x", "algorithm", "x", "sign_flip", ()), "permutation"),
    "kept and broken": (Row("x", "algorithm", "x", "orthogonal", ("sign_flip",)), "sign_flip"),
}


@pytest.mark.parametrize(("row", "group"), OPEN.values(), ids=OPEN)
def test_a_cell_that_is_open_or_contradictory_stays_undecided(row: Row, group: str) -> None:
    assert cell(row, group) is None


# Each proof with the very instance it is about, one thing changed so that the statement is false.
MUTANTS: dict[str, tuple[Callable[..., Evidence], dict[str, Any]]] = {
    "sgd, g not orthogonal": (table1_kept.sgd, {"rules": table1_kept.INVERSE}),
    "sgd, one side only": (table1_kept.sgd, {"rules": table1_kept.ORTHOGONAL_RULES[1:]}),
    "kernel, no rules": (table1_kept.kernel, {"rules": ()}),
    "adam, odd second moment": (table1_kept.adam, {"power": 1}),
    "adagrad, odd accumulator": (table1_kept.adagrad, {"power": 1}),
    "newton, other Hessian": (table1_kept.newton, {"transformed": False}),
    "a penalty joins, one side only": (table1_penalty.joins, {"rules": table1_kept.ORTHOGONAL_RULES[1:]}),
    "a penalty joins, g not orthogonal": (
        table1_penalty.joins,
        {"rules": table1_kept.INVERSE, "moves_by": "g^-1"},
    ),
    "a penalty joins, R not invariant": (table1_penalty.joins, {"invariant": False}),
    "slope of l_6 under rotations": (table1_penalty.slopes, {"turned": ("l_6",)}),
    "adam's example with sgd": (table1_broken.adam, {"rule": "sgd"}),
    "sgd with the identity": (table1_broken.sgd, {"g": np.array([[F(1), F(0)], [F(0), F(1)]], object)}),
    "l2 with a rotation": (table1_broken.l2, {"g": ROTATION}),
    "lp with p = 2 only": (table1_broken.lp, {"powers": (2,)}),
}


@pytest.mark.parametrize(("check", "changes"), MUTANTS.values(), ids=MUTANTS)
def test_no_mutant_is_certified(check: Callable[..., Evidence], changes: dict[str, Any]) -> None:
    assert check().verdict is C
    assert check(**changes).verdict is not C


def value(term: Term, known: dict[str, Fraction]) -> Fraction:
    """A term of scalars at numbers; opaque functions are taken to be 1/(1 + v^2)."""
    total = Fraction(0)
    for monomial, c in term.coefficients.items():
        assert not monomial.word
        for letter in monomial.scalars:
            v = known[letter.name] if not letter.args else 1 / (1 + value(Term(dict(letter.args[0])), known) ** 2)
            c *= v
        total += c
    return total


@QUICK
@given(st.integers(0, 10**6), st.sampled_from([1, -1]), st.booleans())
def test_elementwise_steps_are_odd_at_numbers_too(seed: int, sign: int, adam: bool) -> None:
    step = table1_kept.adam_entry if adam else table1_kept.adagrad_entry
    rng = np.random.default_rng(seed)
    names = ["w", "gamma", "m", "v", "eta", "lambda", "kappa", "b1", "b2", "1/c1", "1/c2"]
    known = {name: Fraction(int(rng.integers(-9, 10)), int(rng.integers(1, 5))) for name in names} | {"s": F(sign)}
    entry, s = table1_kept.ENTRY, scalar("s")
    after = step(entry, 2)
    flipped = step(table1_kept.Entry(s * entry.weight, s * entry.gradient, s * entry.first, entry.second), 2)
    assert value(flipped.weight, known) == sign * value(after.weight, known)
    assert value(flipped.first, known) == sign * value(after.first, known)
    assert value(flipped.second, known) == value(after.second, known)
    reduced = normalise(flipped.weight, Derivation(table1_kept.SIGN_RULES))
    assert value(reduced, known) == value(flipped.weight, known)


# The algorithms' counterexamples: training point, test point, group element, group.
COUNTEREXAMPLES = {
    "adam": ([3, 1], [0, 1], ROTATION, "orthogonal"),
    "adagrad": ([3, 1], [0, 1], ROTATION, "orthogonal"),
    "sgd": ([1, 1], [2, -1], STRETCH, "general_linear"),
}


def torch_output(rule: str, x: np.ndarray, test: np.ndarray) -> float:
    """One step of torch's optimizer in float64 from zero on (w x - 1)^2, then the output at `test`."""
    import torch

    optimizers = {"adam": torch.optim.Adam, "adagrad": torch.optim.Adagrad, "sgd": torch.optim.SGD}
    weight = torch.zeros(len(x), dtype=torch.float64, requires_grad=True)
    optimizer = optimizers[rule]([weight], lr=0.1)
    ((weight @ torch.tensor(x, dtype=torch.float64) - 1) ** 2).backward()
    optimizer.step()
    return float(weight.detach() @ torch.tensor(test, dtype=torch.float64))


def moved_and_padded(rule: str, d: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The counterexample in dimension d as floats, before and after the group acts."""
    x, test, g, _ = COUNTEREXAMPLES[rule]
    element = np.eye(d)
    element[:2, :2] = g.astype(float)
    points = [np.array([*p, *[0] * (d - 2)], float) for p in (x, test)]
    return points, [element @ p for p in points]


@pytest.mark.parametrize(("rule", "d"), list(itertools.product(COUNTEREXAMPLES, (2, 5))))
def test_torch_gives_opposite_signs_on_the_counterexample(rule: str, d: int) -> None:
    here, there = moved_and_padded(rule, d)
    assert torch_output(rule, *here) > 0.01
    assert torch_output(rule, *there) < -0.01


@pytest.mark.parametrize("rule", COUNTEREXAMPLES)
def test_torch_agrees_with_the_exact_outputs(rule: str) -> None:
    x, test, g, group = COUNTEREXAMPLES[rule]
    assert GROUPS[group].contains(g)
    points = [np.array([F(v) for v in p], object) for p in (x, test)]
    moved = [act_on_points(g, p[None])[0] for p in points]
    for pair in (points, moved):
        exact = table1_broken.classify(rule, *pair)
        assert torch_output(rule, *(p.astype(float) for p in pair)) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("rule", ["adam", "adagrad"])
def test_torch_sgd_is_innocent_on_the_same_data(rule: str) -> None:
    here, there = moved_and_padded(rule, 2)
    assert torch_output("sgd", *here) == pytest.approx(torch_output("sgd", *there), rel=1e-12)
    assert torch_output("sgd", *here) > 0.01


@pytest.mark.parametrize("rule", COUNTEREXAMPLES)
def test_torch_keeps_signed_permutations_on_the_same_data(rule: str) -> None:
    here, _ = moved_and_padded(rule, 2)
    for g in GROUPS["signed_permutation"].elements(2):
        moved = [g.astype(float) @ p for p in here]
        assert torch_output(rule, *moved) == pytest.approx(torch_output(rule, *here), rel=1e-12)


def test_uniform_entries_are_not_rotation_invariant_by_quadrature() -> None:
    """E <w, u>^4 for w uniform on the square, by Gauss-Legendre quadrature, which is exact up to rounding."""
    nodes, weights = np.polynomial.legendre.leggauss(5)
    a, b = (float(v) for v in ROTATION[:, 0])
    moment = np.einsum("i,j,ij->", weights, weights, np.add.outer(a * nodes, b * nodes) ** 4) / 4
    exact = table1_broken.projected_fourth_moment(ROTATION[:, 0], F(1, 3), F(1, 5))
    assert moment == pytest.approx(float(exact), rel=1e-12)
    assert exact != F(1, 5)


@pytest.mark.parametrize("p", [1.0, 1.5, 1.99, 2.01, 3.0, 7.5, 50.0])
def test_lp_norms_change_under_the_rotation_at_other_powers_too(p: float) -> None:
    assert abs(0.6**p + 0.8**p - 1) > 1e-4


def test_the_table_needs_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell whose step is taken out of the ledger is no longer decided."""
    from theory.claims import LEDGER
    from theory.evidence import Verdict

    assert table1.complete().verdict is Verdict.CERTIFIED
    kept = [s for s in LEDGER.steps["table-1"] if s.name != "sgd keeps orthogonal"]
    monkeypatch.setitem(LEDGER.steps, "table-1", kept)
    assert table1.complete().verdict is Verdict.REFUTED


def test_the_conditions_of_the_claim_are_named_where_it_differs_from_the_paper(ledger: Ledger) -> None:
    found = ledger.get("table-1")
    assert found.differs.endswith(table1.CONDITIONS)
    assumed = " ".join(found.hypotheses)
    for named, hypothesis in (
        ("Hessian invertible", "Hessian in all parameters is invertible"),
        ("theta_0", "theta_0"),
        ("buffers start at 0", "buffers start at } 0"),
        ("step sizes and batches", "step sizes do not depend on the data"),
        ("slope 0", "slope } 0"),
    ):
        assert named in table1.CONDITIONS
        assert hypothesis in assumed
    assert "a penalty is twice differentiable along the path (Newton)" in assumed


@QUICK
@given(st.integers(0, 10**6), st.sampled_from(["l_1", "l_2", "l_2 squared"]))
def test_torch_differentiates_penalties_as_proved(seed: int, name: str) -> None:
    """Slopes of real penalties, one weight 0, at W g' against those at W, turned."""
    import torch

    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((3, 2))
    weights[0, 0] = 0
    elements = [g.astype(float) for g in GROUPS["signed_permutation"].elements(2)]
    g = elements[seed % 8] if name == "l_1" else ROTATION.astype(float)
    penalties = {"l_1": lambda w: w.abs().sum(), "l_2": torch.linalg.norm, "l_2 squared": lambda w: (w**2).sum()}

    def slope(w: np.ndarray) -> np.ndarray:
        at = torch.tensor(w, requires_grad=True)
        penalties[name](at).backward()
        return at.grad.numpy()

    np.testing.assert_allclose(slope(weights @ g.T), slope(weights) @ g.T, rtol=1e-12, atol=1e-14)
    turned = ROTATION.astype(float).T
    assert name != "l_1" or not np.allclose(slope(weights @ turned), slope(weights) @ turned)
