"""k-patterns: the bounds and exact gradients against brute force, and every step with its mutant."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import (
    kpattern,
    kpattern_equivariant,
    kpattern_filter,
    kpattern_gaussian,
    kpattern_gradient,
    kpattern_noise,
    kpattern_realised,
    kpattern_sharp,
    kpattern_walsh,
)
from theory.claims import LEDGER, Step
from theory.evidence import Trust, Verdict
from theory.kpattern import (
    conv_gradient,
    fc_gradient_bound,
    gaussian_gradient,
    gradient_bound,
    least_error,
    parity,
    printed_gradient_bound,
    sample,
    window,
)
from theory.kpattern_equivariant import best_correlation
from theory.kpattern_gaussian import krawtchouk
from theory.kpattern_walsh import beside, cube, mask, sizes_of, walsh
from theory.status import run_step

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
F = Fraction
NAN, INF = float("nan"), float("inf")
IDS = sorted(id for id in LEDGER.claims if id.startswith("kpattern"))
STEPS = {f"{id}: {step.name}": step for id in IDS for step in LEDGER.steps[id]}


def gradient(w: tuple[int, ...], label: tuple[int, ...], slope: Callable[[int], Fraction]) -> list[Fraction]:
    """E chi_I(x) x_j s(w.x) for each j, point by point."""
    found = [F(0)] * len(w)
    for x in itertools.product((-1, 1), repeat=len(w)):
        value = slope(sum(a * b for a, b in zip(w, x, strict=True))) * math.prod(x[i] for i in label)
        found = [a + value * b for a, b in zip(found, x, strict=True)]
    return [a / 2 ** len(w) for a in found]


def mean_square(n: int, k: int, law: list[tuple[int, ...]], slope: Callable[[int], Fraction]) -> Fraction:
    """The lemma's left side for rows uniform on a list."""
    return F(sum(sum(c * c for c in gradient(w, tuple(range(k)), slope)) for w in law)) / len(law)


SLOPES: dict[str, Callable[[int], Fraction]] = {
    "sign": lambda z: F((z > 0) - (z < 0)),
    "parity of the sum": lambda z: F((-1) ** (z // 2)),
    "clipped": lambda z: F(max(-2, min(2, z)), 2),
    "one": lambda z: F(1),
}


@pytest.mark.parametrize("slope", SLOPES.values(), ids=SLOPES)
@pytest.mark.parametrize("n", range(1, 6))
def test_the_bound_holds_point_by_point(n: int, slope: Callable[[int], Fraction]) -> None:
    laws = {
        "signs": list(itertools.product((-1, 1), repeat=n)),
        "a permutation of 0..n-1": list(itertools.permutations(range(n))),
        "a unit vector": [tuple(int(i == j) for j in range(n)) for i in range(n)],
    }
    for k, law in itertools.product(range(1, n + 1), laws.values()):
        assert mean_square(n, k, law, slope) <= gradient_bound(n, k)


@pytest.mark.parametrize(("n", "k"), [(n, k) for n in range(1, 7) for k in range(1, n + 1)])
def test_the_bound_is_reached_by_a_unit_with_a_wave(n: int, k: int) -> None:
    size = k - 1 if n >= 2 * k or n == k else k + 1
    law = [tuple(int(i in t) for i in range(n)) for t in itertools.combinations(range(n), size)]
    assert mean_square(n, k, law, lambda z: F((-1) ** ((size - z) // 2))) == gradient_bound(n, k)


def test_an_inputs_order_that_the_law_knows_breaks_the_bound() -> None:
    """Without permutation invariance the lemma is false: one row that looks at the right bits."""
    assert mean_square(5, 2, [(1, 0, 0, 0, 0)], SLOPES["sign"]) == 1 > gradient_bound(5, 2)


@pytest.mark.parametrize("n", range(2, 40))
def test_the_chain_of_bounds(n: int) -> None:
    for k in range(1, n):
        recalled = F(n - k, math.comb(n - 1, k)) + F(k, math.comb(n - 1, k - 1))
        chain = [gradient_bound(n, k), F(n + 2, math.comb(n, k)), recalled, printed_gradient_bound(n, k, 1)]
        assert chain == sorted(chain)
        assert recalled == F(2 * n, math.comb(n, k))
        assert fc_gradient_bound(n, k, 5) == 5 * chain[0]
        assert gradient_bound(n, k) == max(F(k, math.comb(n, k - 1)), F(n - k, math.comb(n, k + 1)))


def test_the_enumeration_sees_a_smaller_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = kpattern_gradient.gradient_bound
    monkeypatch.setattr(kpattern_gradient, "gradient_bound", lambda n, k: exact(n, k) * (F(1, 2) if n == 9 else 1))
    assert kpattern_gradient.enumerated().verdict is Verdict.REFUTED


@QUICK
@given(st.integers(1, 5), st.data())
def test_the_transform_is_the_sum_over_points(n: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(-9, 9), min_size=2**n, max_size=2**n))
    found = walsh(np.array(values))
    x = cube(n)
    for s in range(2**n):
        inside = [i for i in range(n) if s >> i & 1]
        assert int(found[s]) == sum(v * math.prod(p[inside].tolist()) for v, p in zip(values, x, strict=True))
        assert sizes_of(n)[s] == len(inside)
        assert mask(inside) == s
    assert (walsh(found) == 2**n * np.array(values)).all()


def test_the_transform_takes_many_functions_at_once() -> None:
    many = np.random.default_rng(0).integers(-5, 6, (3, 4, 16))
    assert (walsh(many)[1, 2] == walsh(many[1, 2])).all()
    assert beside(mask([0, 2]), 4).tolist() == [mask(s) for s in ([2], [0, 1, 2], [0], [0, 2, 3])]


@pytest.mark.parametrize("n", range(1, 9))
def test_krawtchouk_sums_characters(n: int) -> None:
    for m, t in itertools.product(range(n + 1), repeat=2):
        z = [-1] * t + [1] * (n - t)
        assert krawtchouk(n, m, t) == sum(math.prod(s) for s in itertools.combinations(z, m))


def squares(n: int, k: int, bias: float, rows: int) -> np.ndarray:
    """Squared first gradients of Gaussian ReLU units, by the transform."""
    rng = np.random.default_rng((n, k, rows))
    w, b = rng.standard_normal((rows, n)) / math.sqrt(n), rng.standard_normal((rows, 1)) * math.sqrt(bias)
    coefficients = walsh(w @ cube(n).T + b > 0) / 2**n
    return np.square(coefficients[:, beside(mask(range(k)), n)]).sum(axis=1)


@pytest.mark.parametrize("bias", [F(0), F(1), F(1, 4)], ids=str)
@pytest.mark.parametrize(("n", "k"), [(3, 2), (4, 4), (6, 2), (7, 4), (7, 3), (8, 5)])
def test_the_exact_value_is_the_mean_over_units(n: int, k: int, bias: Fraction) -> None:
    low, high = gaussian_gradient(n, k, bias)
    found = squares(n, k, float(bias), 20_000)
    error = found.std() / math.sqrt(len(found))
    assert high - low < 1e-15
    if bias == 0 and k % 2:
        assert low == high == 0
        assert found.max() < 1e-20
    else:
        assert abs(found.mean() - high) < 5 * error
        assert abs(found.mean() - 1.2 * high) > 5 * error  # a formula that is off by a fifth would be seen
    assert high <= gradient_bound(n, k) / 4


def test_known_exact_values() -> None:
    low, high = gaussian_gradient(2, 2)  # the larger of two weights decides: one coefficient is +-1/2
    assert low <= 0.25 <= high
    assert conv_gradient(4, 1) == gaussian_gradient(4, 4, 1)
    falls = [gaussian_gradient(n, 4, 1)[1] for n in range(4, 65)]
    assert all(a > b for a, b in itertools.pairwise(falls))


@pytest.mark.parametrize(("n", "k", "m"), [(n, k, m) for n in range(1, 5) for k in range(1, n + 1) for m in range(3)])
def test_no_learner_beats_the_least_error(n: int, k: int, m: int) -> None:
    optimum = (1 - best_correlation(n, k, m)) / 2
    assert least_error(n, k, m) <= optimum


def test_the_best_learner_by_voting() -> None:
    """Without samples the sets are told apart by nothing: three parities of one bit, the majority errs a quarter."""
    assert (1 - best_correlation(3, 1, 0)) / 2 == F(1, 4)
    assert best_correlation(3, 3, 0) == 1


@QUICK
@given(st.integers(1, 40), st.data())
def test_the_least_error_is_the_formula_rounded_down(n: int, data: st.DataObject) -> None:
    k, m = data.draw(st.integers(1, n)), data.draw(st.integers(0, 80))
    sets, found = math.comb(n, k), least_error(n, k, m)
    if found == 0:
        assert 2**m * (1 + F(1, 2**60)) >= sets
    else:
        root = 1 - 2 * found
        assert (root - F(1, 2**63)) ** 2 < F(2**m, sets) < root**2
    assert found >= least_error(n, k, m + 1)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (4, 3), (5, 2), (8, 8)])
def test_samples_are_patterns(n: int, k: int) -> None:
    x, y = sample(n, k, (50, 60), np.random.default_rng(0))
    assert x.shape == (50, 60, n)
    assert set(np.unique(x)) == {-1.0, 1.0}
    inside = range(n)[window(n, k)]
    assert len(inside) == k
    assert (np.prod([x[..., i] for i in inside], axis=0) == y).all()
    assert (parity(x, k) == y).all()
    counts = np.unique(x.reshape(-1, n), axis=0, return_counts=True)[1]
    assert len(counts) == 2**n
    assert np.abs(counts - 3000 / 2**n).max() < 6 * math.sqrt(3000 / 2**n)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    **{
        f"{f.__name__}, n = {n!r}": (lambda f=f, n=n: f(n, 1), "n")
        for f in (gradient_bound, window)
        for n in (0, -1, 2.5, True, "3", None, NAN)
    },
    **{
        f"{f.__name__}, k = {k!r}": (lambda f=f, k=k: f(5, k), "k")
        for f in (gradient_bound, gaussian_gradient, window, lambda n, k: least_error(n, k, 3))
        for k in (0, 6, 1.5, True, "3", None)
    },
    "printed, k = n": (lambda: printed_gradient_bound(5, 5, 1), "k"),
    "rows": (lambda: fc_gradient_bound(5, 2, 0), "rows"),
    "gaussian, k = 1": (lambda: gaussian_gradient(5, 1), "k"),
    "gaussian, n too large": (lambda: gaussian_gradient(65, 3), "n"),
    **{f"bias = {b!r}": (lambda b=b: gaussian_gradient(5, 3, b), "bias") for b in (-1, NAN, INF, 10**7, "1", True)},
    **{f"samples = {m!r}": (lambda m=m: least_error(5, 2, m), "samples") for m in (-1, 1.5, True, None)},
    "cube": (lambda: cube(25), "n"),
    "a transform of floats": (lambda: walsh(np.zeros(4)), "values"),
    "a transform of three": (lambda: walsh(np.zeros(3, dtype=np.int64)), "values"),
    "a transform of a number": (lambda: walsh(np.array(1)), "values"),
    "parity, k": (lambda: parity(np.ones((3, 5)), 6), "k"),
    "sample, k": (lambda: sample(5, 6, 2, np.random.default_rng(0)), "k"),
    "sample, shape": (lambda: sample(5, 2, 2.5, np.random.default_rng(0)), "shape"),
    "sample, rng": (lambda: sample(5, 2, 3, None), "rng"),
}


@pytest.mark.parametrize(("refused", "name"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_by_name(refused: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got .*, want"):
        refused()


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_steps_are_as_expected_and_their_mutants_caught(step: Step) -> None:
    result = run_step(step)
    assert (result.verdict, result.failure) == (Verdict.CERTIFIED, "")
    assert result.trust is Trust.EXACT
    assert result.mutant is Verdict.REFUTED


def test_what_is_cited_and_what_is_proved() -> None:
    cited = {id for id in IDS if LEDGER.get(id).kind == "cited"}
    assert cited == {"kpattern-conv"}
    assert all(LEDGER.steps[id] for id in set(IDS) - cited)
    assert not any("kpattern-conv" in LEDGER.parents(id) for id in IDS)


def test_public_names_exist() -> None:
    modules = (
        kpattern,
        kpattern_equivariant,
        kpattern_filter,
        kpattern_gaussian,
        kpattern_gradient,
        kpattern_noise,
        kpattern_realised,
        kpattern_sharp,
        kpattern_walsh,
    )
    assert all(hasattr(module, name) for module in modules for name in module.__all__)


def hit(noisy: np.ndarray, d: float) -> float:
    """The rate at which the best test between N(0, 1) and N(d, 1) answers 0 more often on the former."""
    return float((noisy < d / 2).mean() - (noisy + d < d / 2).mean())


@pytest.mark.parametrize("d", [0.05, 0.3, 1.0])
def test_noise_hides_a_small_difference(d: float) -> None:
    noisy = np.random.default_rng(0).standard_normal(400_000)
    found, bound = hit(noisy, d), d / math.sqrt(2 * math.pi)
    assert found <= bound + 0.005
    assert found > 0.9 * bound - 0.005  # the bound is near, so a smaller constant would be seen


def added_by_labels(w: np.ndarray, b: float, k: int) -> float:
    """The squared norm of E chi_I c grad f for f = tanh(w.x + b) and the logistic loss, whose c is -1/2."""
    x = cube(len(w)).astype(np.float64)
    entries = -0.5 * (1 - np.tanh(x @ w + b) ** 2) * x[:, :k].prod(axis=1)
    return float(np.square((entries[:, None] * x).mean(axis=0)).sum() + entries.mean() ** 2)


@pytest.mark.parametrize("scale", [0.3, 2.0, 20.0])
def test_labels_add_little_to_the_gradient_of_a_real_unit(scale: float) -> None:
    n, k, rng = 12, 2, np.random.default_rng(3)
    bound = F(1, 4) * (gradient_bound(n, k) + F(1, math.comb(n, k)))  # b = 1/2, one row and the bias
    rare = [scale * (np.arange(n) == i) for i in rng.integers(n, size=60)]  # a unit that looks at one bit
    spread = [scale * rng.standard_normal(n) / math.sqrt(n) for _ in range(60)]
    for law in (rare, spread):
        assert np.mean([added_by_labels(w, scale, k) for w in law]) < bound
    knows = 20.0 * (np.arange(n) == 0)  # a law that knows the first bit from the others
    assert added_by_labels(knows, 20.0, k) > bound


def test_noisy_descent_on_coins_keeps_parities_alike() -> None:
    """A tiny net trained by noisy descent on the mean of both labels: no pair of bits is preferred to any other."""
    rng, n, runs = np.random.default_rng(1), 4, 4000
    x = cube(n).astype(np.float64)
    w, u = rng.standard_normal((runs, 3, n)), rng.standard_normal((runs, 3))
    for _ in range(5):
        hidden = np.tanh(w @ x.T)
        f = np.einsum("rh,rhp->rp", u, hidden)
        slope = 2 * f / 2**n  # of the square loss, whose two labels cancel
        back = slope[:, None] * u[:, :, None] * (1 - hidden**2)
        w = w - 0.1 * (back @ x + 0.3 * rng.standard_normal(w.shape))
        u = u - 0.1 * (np.einsum("rp,rhp->rh", slope, hidden) + 0.3 * rng.standard_normal(u.shape))
    predicted = np.sign(np.einsum("rh,rhp->rp", u, np.tanh(w @ x.T)))
    sets = list(itertools.combinations(range(n), 3))
    energies = np.array([np.square((predicted * x[:, s].prod(axis=1)).mean(axis=1)) for s in map(list, sets)])
    means, errors = energies.mean(axis=1), energies.std(axis=1) / math.sqrt(runs)
    assert means.max() <= 1 / len(sets)
    assert np.ptp(means) < 6 * errors.max()
    tilted = predicted * (1 - 2 * (x[:, 3] < 0)) * np.sign(x[:, :3].sum(axis=1))  # a net that prefers some bits
    moved = [np.square((tilted * x[:, s].prod(axis=1)).mean(axis=1)).mean() for s in map(list, sets)]
    assert np.ptp(moved) > 6 * errors.max()
