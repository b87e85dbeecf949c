"""torch's initialisers come out as known, and planted faults are seen."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sims.laws import sample_size
from theory import table1
from theory.evidence import Verdict
from theory.groups import (
    GENERAL_LINEAR,
    GROUPS,
    ORTHOGONAL,
    PERMUTATION,
    SIGN_FLIP,
    SIGNED_PERMUTATION,
    Group,
    is_subgroup,
)
from verify import inits
from verify.inits import FUNCTIONALS, INITIALISATIONS, LawVerdict, drawing, judge_law, predicted, table

FOUR = ("sign_flip", "permutation", "signed_permutation", "orthogonal")


@pytest.fixture(scope="module")
def whole() -> list[LawVerdict]:
    return table(0)


def disagreeing(found: list[LawVerdict]) -> list[tuple[str, str]]:
    """The entries that are not as predicted."""
    return [
        (v.initialisation, v.group)
        for v in found
        if v.verdict is not (Verdict.CERTIFIED if predicted(v.initialisation, GROUPS[v.group]) else Verdict.REFUTED)
    ]


def test_torch_is_as_predicted(whole: list[LawVerdict]) -> None:
    assert disagreeing(whole) == []
    assert [(v.initialisation, v.group) for v in whole] == [(n, g) for n in INITIALISATIONS for g in FOUR]


def test_the_table_states_its_errors(whole: list[LawVerdict]) -> None:
    assert sum(v.alpha for v in whole) == pytest.approx(1e-6)
    assert max(v.detectable for v in whole) < 0.11
    assert {v.power for v in whole} == {0.99}
    assert len({v.certificate["seed"] for v in whole}) == len(INITIALISATIONS)
    refuted = [v.distance for v in whole if v.verdict is Verdict.REFUTED]
    assert min(refuted) > 0.3  # far beyond what is detectable, so the seed does not matter


def test_other_seeds_and_fewer_draws_agree(whole: list[LawVerdict]) -> None:
    other = table(99, draws=1500)
    assert disagreeing(other) == []
    assert [v.distance for v in other] != [v.distance for v in whole]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("nn.init.normal_", "gaussian"),
        ("nn.init.kaiming_normal_", "gaussian"),
        ("nn.init.kaiming_uniform_", "iid-symmetric"),
        ("nn.Linear", "iid-symmetric"),
        ("nn.init.trunc_normal_", "iid-symmetric"),
        ("nn.init.uniform_", "iid"),
        ("nn.init.zeros_", "zero"),
    ],
)
def test_predictions_are_those_of_table_1(name: str, row: str) -> None:
    found = next(r for r in table1.ROWS if r.name == row)
    for group in table1.COLUMNS:
        cell = table1.cell(found, group.name)
        assert cell is not None
        assert predicted(name, group) is cell.holds, group.name


def test_predictions_are_monotone_in_the_group() -> None:
    for name in INITIALISATIONS:
        for small in GROUPS.values():
            for large in GROUPS.values():
                assert not (is_subgroup(small, large) and predicted(name, large) and not predicted(name, small))


def test_the_known_groups() -> None:
    kept = {name: [g for g in FOUR if predicted(name, GROUPS[g])] for name in INITIALISATIONS}
    assert kept["nn.init.orthogonal_"] == list(FOUR)
    assert kept["nn.init.sparse_(sparsity=0.5)"] == kept["nn.init.uniform_(-1, 1)"] == list(FOUR[:3])
    assert kept["nn.init.uniform_"] == kept["nn.init.ones_"] == ["permutation"]
    assert kept["nn.init.eye_"] == []


@pytest.mark.parametrize("name", ["nn.init.zeros_", "nn.init.normal_"])
def test_only_zero_is_kept_by_all_linear_maps(name: str) -> None:
    found = judge_law(drawing(INITIALISATIONS[name], (3, 3)), GENERAL_LINEAR, d=3, seed=0, draws=1000)
    assert (found.verdict is Verdict.CERTIFIED) is predicted(name, GENERAL_LINEAR) is (name == "nn.init.zeros_")


@pytest.mark.parametrize("shape", [(1, 2), (2, 5), (5, 2), (3, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_haar_in_all_shapes(shape: tuple[int, int], dtype: torch.dtype) -> None:
    """Orthonormal rows or columns give functionals that are 1 up to rounding."""
    found = judge_law(drawing(torch.nn.init.orthogonal_, shape, dtype), ORTHOGONAL, d=shape[1], seed=2, draws=1000)
    assert found.verdict is Verdict.CERTIFIED
    assert found.detectable < 0.25


def gaussian(generator: torch.Generator) -> Tensor:
    return torch.randn(8, 4, generator=generator, dtype=torch.float64)


def wider(generator: torch.Generator, factor: float = 1.3, column: int = -1) -> Tensor:
    """One column has a greater standard deviation."""
    w = gaussian(generator)
    w[:, column] *= factor
    return w


def dependent(generator: torch.Generator) -> Tensor:
    """Gaussian entries of mean 0, each pair of neighbours with one sign: Gaussian column by column."""
    w = gaussian(generator)
    w[:, 1] = w[:, 1].abs() * w[:, 0].sign()
    return w


def unsigned_qr(generator: torch.Generator) -> Tensor:
    """Q of a Gaussian matrix as LAPACK returns it, without the signs that make it Haar."""
    return torch.linalg.qr(gaussian(generator)).Q


FAULTS: list[tuple[Callable[[torch.Generator], Tensor], Group]] = [
    (wider, PERMUTATION),
    (lambda generator: gaussian(generator) + 0.1, SIGN_FLIP),
    (dependent, SIGN_FLIP),
    (unsigned_qr, ORTHOGONAL),
    (unsigned_qr, SIGN_FLIP),
    (lambda generator: gaussian(generator).sign(), ORTHOGONAL),
    (lambda generator: gaussian(generator).sort(dim=1).values, PERMUTATION),
]


@pytest.mark.parametrize(("draw", "group"), FAULTS)
def test_planted_faults_are_seen(draw: Callable[[torch.Generator], Tensor], group: Group) -> None:
    found = judge_law(draw, group, d=4, seed=11)
    assert found.verdict is Verdict.REFUTED
    assert found.distance > found.detectable


def test_faults_are_not_seen_under_groups_that_keep_them() -> None:
    for column in range(4):
        assert judge_law(lambda g, j=column: wider(g, 9.0, j), SIGN_FLIP, d=4, seed=11).verdict is Verdict.CERTIFIED
    assert judge_law(lambda g: gaussian(g) + 0.1, PERMUTATION, d=4, seed=11).verdict is Verdict.CERTIFIED


def test_a_column_five_percent_wider_takes_7000_draws() -> None:
    """The sums of squares of 8 Gaussians and of 8 that are 5 % larger have distribution functions 0.076 apart."""
    count = 4 * len(FUNCTIONALS)
    assert sample_size(0.0761, alpha=1e-6, functionals=count) <= 7100
    found = judge_law(lambda g: wider(g, 1.05), PERMUTATION, d=4, seed=11, draws=7100)
    assert (found.verdict, found.certificate["functional"]) == (Verdict.REFUTED, "sum of squares of the first column")
    assert judge_law(lambda g: wider(g, 1.05), PERMUTATION, d=4, seed=11, draws=500).verdict is Verdict.CERTIFIED


def test_a_planted_fault_in_the_judge_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing were moved, nothing would be refuted; the arms, being independent, still differ."""
    monkeypatch.setattr(inits, "act_on_weights", lambda g, w: w)
    found = table(0, draws=500)
    assert found[0].distance > 0
    missed = disagreeing(found)
    assert len(missed) == sum(not predicted(n, GROUPS[g]) for n in INITIALISATIONS for g in FOUR)


def test_certificates_replay(whole: list[LawVerdict]) -> None:
    for entry in whole[::7]:
        made = entry.certificate
        assert json.loads(json.dumps(made)) == made
        again = judge_law(
            drawing(INITIALISATIONS[entry.initialisation], tuple(made["shape"])),
            GROUPS[entry.group],
            d=made["shape"][1],
            seed=made["seed"],
            alpha=entry.alpha,
            draws=made["draws"],
            name=entry.initialisation,
        )
        assert again == entry


def test_the_certificate_names_what_differs() -> None:
    found = judge_law(wider, PERMUTATION, d=4, seed=11)
    element = np.array(found.certificate["element"])
    assert not np.array_equal(element[:, -1], np.eye(4)[:, -1])  # it moves the column that is wider
    assert found.certificate["functional"] in found.reason
    assert found.certificate["element_title"] in found.reason


def test_the_global_generator_is_put_back() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    found = [judge_law(drawing(torch.nn.init.normal_, (2, 2)), SIGN_FLIP, d=2, seed=0, draws=50) for _ in range(2)]
    assert found[0] == found[1]
    assert torch.equal(torch.get_rng_state(), before)


def test_a_buffer_may_be_used_again() -> None:
    buffer = torch.empty(8, 4, dtype=torch.float64)
    reused = judge_law(lambda g: buffer.copy_(wider(g)), PERMUTATION, d=4, seed=11)
    assert reused == judge_law(wider, PERMUTATION, d=4, seed=11)


def test_parameters_with_gradients_are_taken() -> None:
    found = judge_law(lambda _: torch.nn.Linear(4, 8).weight, SIGNED_PERMUTATION, d=4, seed=0, draws=1000)
    assert found.verdict is Verdict.CERTIFIED


def test_too_few_draws_or_digits_are_inconclusive() -> None:
    assert judge_law(gaussian, ORTHOGONAL, d=4, seed=0, draws=20).verdict is Verdict.INCONCLUSIVE
    rough = drawing(torch.nn.init.normal_, (8, 4), torch.bfloat16)
    found = judge_law(rough, ORTHOGONAL, d=4, seed=0, draws=1000)
    assert (found.verdict, found.detectable > 1) == (Verdict.INCONCLUSIVE, True)
    assert "could go unseen" in found.reason


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"d": 1}, "d: got 1, want an integer >= 2"),
        ({"d": 3}, r"draw: got shape \(8, 4\), want \(h, 3\)"),
        ({"draws": 0}, "draws: got 0, want an integer >= 1"),
        ({"seed": -1}, "seed: got -1, want an integer >= 0"),
        ({"alpha": 0.0}, "alpha: got 0.0, want a number strictly between 0 and 1"),
        ({"draw": lambda _: np.zeros((8, 4))}, "draw: got a ndarray, want a floating torch.Tensor"),
        ({"draw": lambda _: torch.ones(8, 4, dtype=torch.int64)}, "draw: got torch.int64"),
        ({"draw": lambda _: torch.ones(4)}, r"draw: got shape \(4,\), want \(h, 4\)"),
        ({"draw": lambda _: torch.ones(0, 4)}, r"draw: got shape \(0, 4\)"),
        ({"draw": lambda _: torch.full((8, 4), float("nan"))}, "draw: got NaN or infinite entries"),
        ({"draw": lambda g: torch.ones(int(torch.randint(1, 9, (), generator=g)), 4)}, r"draw: got shape .*want \(\d"),
    ],
)
def test_bad_arguments(change: dict[str, object], says: str) -> None:
    arguments = {"draw": gaussian, "group": SIGN_FLIP, "d": 4, "seed": 0, "draws": 10, **change}
    with pytest.raises(ValueError, match=says):
        judge_law(**arguments)


@pytest.mark.parametrize(("change", "says"), [({"alpha": 2.0}, "alpha: got 2.0"), ({"seed": 0.5}, "seed: got 0.5")])
def test_bad_tables(change: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        table(**{"seed": 0, **change})


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match=r"name: got 'nn.init.dirac_', want one of nn.init.normal_, "):
        predicted("nn.init.dirac_", SIGN_FLIP)
