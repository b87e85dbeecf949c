"""The declared predictions hold in a direct coupled run of each row, and the runs could tell if they did not."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from torch import Tensor, nn

from sims.training import Hook, Trace, Training, first_layer, initial
from theory import table1
from theory.claims import load
from theory.groups import GROUPS, act_on_weights, is_subgroup
from verify import feature_table
from verify.feature_table import COLUMNS, FEATURES, PROPERTIES, FeatureRow, kept

ROWS = {row.name: row for row in FEATURES}
D, SEED = 4, 3
PROBLEM: Mapping[str, Any] = MappingProxyType(
    {
        "d": D,
        "hidden": (6, 5),
        "activation": "tanh",
        "bias": True,
        "steps": 15,
        "batch": None,
        "loss": "square",
        "rate": 1,
    }
)
RNG = np.random.default_rng(0)
# Coordinates of different scales and means: on isotropic data much is symmetric that is not so in general.
X, TESTS = (torch.from_numpy((RNG.standard_normal((n, D)) + 0.5) * [0.3, 0.5, 0.9, 1.5]) for n in (8, 5))
Y = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
# Signs that are not all equal, and permutations that leave no place: no element is near a multiple of 1.
ELEMENTS: Mapping[str, NDArray[np.float64]] = MappingProxyType(
    {
        "sign_flip": np.diag([1.0, -1.0, -1.0, 1.0]),
        "permutation": np.eye(D)[[2, 3, 1, 0]],
        "signed_permutation": np.eye(D)[[2, 3, 1, 0]] * [1.0, -1.0, -1.0, 1.0],
        "orthogonal": GROUPS["orthogonal"].float_element(D, np.random.default_rng(5)),
    }
)
CELLS = [(name, group) for name in ROWS for group in COLUMNS]


def trained(training: Training, g: NDArray[np.float64] | None = None, seed: int = SEED) -> Trace:
    """A run on the data above, or on the moved data from the moved weights."""
    g = np.eye(D) if g is None else g
    start = initial(training.network(), torch.Generator().manual_seed(1))
    first = first_layer(training.network())
    start[first] = torch.from_numpy(act_on_weights(g, start[first].numpy()))
    move = torch.from_numpy(g.T)
    return training.run(start, X @ move, Y, TESTS @ move, seed=seed)


class Nudge(Hook):
    """A planted fault: each step moves the first layer's weights a little along a matrix that no group keeps."""

    def __init__(self, module: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
        self.first = first_layer(module)

    @torch.no_grad()
    def after_step(self, module: nn.Module) -> None:
        weight = module.get_parameter(self.first)
        # Generic: layer norm would not see what is added to all rows alike.
        weight.add_(torch.arange(weight.numel(), dtype=weight.dtype).cos().reshape(weight.shape), alpha=1e-3)


@functools.cache
def residual(name: str, group: str, *faults: type[Hook]) -> float:
    """How far the twin's outputs are from the first one's, at all checkpoints."""
    training = ROWS[name].training(**PROBLEM)
    training = replace(training, features=(*training.features, *faults))
    return apart(trained(training), trained(training, ELEMENTS[group]))


def apart(first: Trace, second: Trace) -> float:
    return float((first.outputs - second.outputs).abs().max())


def agrees(row: FeatureRow, group: str) -> bool:
    """Is the prediction for runs from one seed what is seen?"""
    found = residual(row.name, group)
    return found < 1e-9 if group in row.pathwise else found > 1e-6


@pytest.mark.parametrize(("name", "group"), CELLS)
def test_runs_from_one_seed_show_what_is_predicted(name: str, group: str) -> None:
    assert agrees(ROWS[name], group), residual(name, group)


@pytest.mark.parametrize(("name", "group"), CELLS)
def test_the_opposite_prediction_would_be_noticed(name: str, group: str) -> None:
    row = ROWS[name]
    assert not agrees(replace(row, pathwise=row.pathwise ^ {group}), group)


@pytest.mark.parametrize(("name", "group"), [(row.name, group) for row in FEATURES for group in sorted(row.pathwise)])
def test_a_planted_fault_is_seen_where_a_group_is_kept(name: str, group: str) -> None:
    assert residual(name, group, Nudge) > 1e-6


@pytest.mark.parametrize("name", [name for name in ROWS if name not in ("sgd", "adam")])
def test_the_feature_is_active(name: str) -> None:
    plain = ROWS["adam" if name.startswith("adam") and name != "adaptive-sam" else "sgd"]
    assert apart(trained(ROWS[name].training(**PROBLEM)), trained(plain.training(**PROBLEM))) > 1e-3


@pytest.mark.parametrize("name", ROWS)
def test_training_draws_random_numbers_only_where_that_is_declared(name: str) -> None:
    row = ROWS[name]
    assert trained(row.training(**PROBLEM)).random == row.in_law
    assert row.in_law or row.pathwise == row.keeps


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("steps", [0, 1])
def test_short_single_sample_runs_work(name: str, steps: int) -> None:
    changes = {"steps": steps, "batch": 1, "hidden": (3,), "activation": "relu", "bias": False, "loss": "logistic"}
    assert trained(ROWS[name].training(**{**PROBLEM, **changes})).outputs.isfinite().all()


def test_batch_norm_cannot_learn_from_one_sample_and_is_given_two() -> None:
    training = ROWS["batch-norm"].training(**{**PROBLEM, "batch": 1})
    assert training.batch == 2
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        trained(replace(training, batch=1))


def test_the_rate_multiplies_the_learning_rate() -> None:
    for row in FEATURES:
        plain, slow = (row.training(**{**PROBLEM, "rate": rate}) for rate in (1.0, 0.25))
        rates = [t.rule.build(t.network()).param_groups[0]["lr"] for t in (plain, slow)]
        assert rates[1] == pytest.approx(rates[0] / 4), row.name


# In law: the coin is moved with the data.


def turned(draw: Callable[..., Tensor], g: NDArray[np.float64]) -> Callable[..., Tensor]:
    """Noise of the first layer's shape is multiplied by g^-1, as that layer is."""
    back = torch.from_numpy(g.T)
    return lambda p: draw(p) @ back if p.shape == (6, D) else draw(p)


def masked_elsewhere(drop: Callable[..., Tensor], g: NDArray[np.float64]) -> Callable[..., Tensor]:
    """Inputs go to where they came from, are masked there and return: for permutations, a permuted mask."""
    move = torch.from_numpy(g)
    return lambda self, x: drop(self, x @ move) @ move.T if x.shape[-1] == D else drop(self, x)


COINS = {"langevin": (torch, "randn_like", turned), "dropout-inputs": (nn.Dropout, "forward", masked_elsewhere)}


@pytest.mark.parametrize("name", COINS)
@pytest.mark.parametrize("group", COLUMNS)
def test_with_the_coin_moved_too_runs_agree(name: str, group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row, g = ROWS[name], ELEMENTS[group]
    if group not in row.keeps:
        return  # there the moved coin has another law
    training = row.training(**PROBLEM)
    base = trained(training)
    owner, method, move = COINS[name]
    monkeypatch.setattr(owner, method, move(getattr(owner, method), g))
    assert apart(base, trained(training, g)) < 1e-9
    other = ELEMENTS["permutation"] @ g
    assert apart(base, trained(training, other)) > 1e-6  # the coin is moved by g still


def test_dropout_on_inputs_breaks_rotations_in_law_and_not_permutations() -> None:
    training = ROWS["dropout-inputs"].training(**PROBLEM)

    def sample(g: NDArray[np.float64] | None, first: int) -> NDArray[np.float64]:
        return np.array([trained(training, g, seed).outputs[-1].numpy() for seed in range(first, first + 100)])

    base = sample(None, 0)
    p_values = {
        group: min(ks_2samp(a, b).pvalue for a, b in zip(base.T, sample(ELEMENTS[group], 1000).T, strict=True))
        for group in ("signed_permutation", "orthogonal")
    }
    assert p_values["signed_permutation"] > 1e-3
    assert p_values["orthogonal"] < 1e-6


# Declarations.


def test_every_feature_has_a_row() -> None:
    assert len(ROWS) == len(FEATURES) == len({row.title for row in FEATURES})
    assert ROWS.keys() >= {
        *("momentum", "nesterov", "weight-decay", "decoupled-decay", "l1", "l2", "l4", "clip-norm", "clip-value"),
        *("batch-norm", "layer-norm-inputs", "layer-norm-hidden", "standardise", "dropout-inputs", "dropout-hidden"),
        *("average", "cosine", "mini-batches", "accumulation", "langevin", "sam", "adaptive-sam", "adamw"),
    }


@pytest.mark.parametrize("name", ROWS)
def test_what_keeps_a_group_keeps_its_subgroups(name: str) -> None:
    row = ROWS[name]
    assert row.pathwise <= row.keeps <= set(COLUMNS)
    for groups in (row.keeps, row.pathwise):
        assert all(
            small in groups for large in groups for small in COLUMNS if is_subgroup(GROUPS[small], GROUPS[large])
        )


@pytest.mark.parametrize("name", ROWS)
def test_reasons_cite_steps_of_the_ledger(name: str) -> None:
    reason, _, cited = ROWS[name].why.partition(" (table-1: ")
    steps = {step.name for step in load().steps["table-1"]}
    assert set(cited.removesuffix(")").split(", ")) <= steps
    assert ("fails" in reason) == ("orthogonal" not in ROWS[name].keeps)
    assert "\n" not in ROWS[name].why


def test_predictions_are_read_from_table_1(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept("sgd") == set(COLUMNS)
    assert kept("sgd", "lp") == kept("adam") == set(COLUMNS) - {"orthogonal"}
    read = table1.cell
    monkeypatch.setattr(table1, "cell", lambda row, group: read(replace(row, breaks=("permutation",)), group))
    with pytest.raises(ValueError, match="table-1: sgd under permutation is undecided"):
        kept("sgd")
    monkeypatch.setattr(
        table1, "cell", lambda row, group: read(replace(row, keeps="sign_flip", breaks=("permutation",)), group)
    )
    assert kept("sgd") == {"sign_flip"}


def test_parts_are_rows_or_properties() -> None:
    assert kept("noise that stays") == set()
    assert not PROPERTIES.keys() & feature_table.ROWS.keys()
    with pytest.raises(ValueError, match="part: got 'isotopic', want one of sgd, adam"):
        kept("isotopic")
