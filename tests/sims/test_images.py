"""The sources of Figure 1's images, and their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sims import images
from sims.images import CIFAR10, PARTS, available, draw, labels

FILES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with 4 random images in each file."""
    for i, name in enumerate(FILES):
        records = rng(i).integers(256, size=(4, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        (tmp_path / name).write_bytes(records.tobytes())
    monkeypatch.setenv(CIFAR10, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("source", ["gaussian", "photographs"])
@pytest.mark.parametrize("part", PARTS)
def test_images_have_the_stated_shape_and_come_from_the_generator(source: str, part: str) -> None:
    x = draw(source, part, 7, rng())
    assert (x.shape, x.dtype) == ((7, 3, 32, 32), np.float32)
    assert (x == draw(source, part, 7, rng())).all()
    assert (x != draw(source, part, 7, rng(1))).any(axis=(1, 2, 3)).all()
    assert draw(source, part, 0, rng()).shape == (0, 3, 32, 32)


def test_gaussian_entries_are_standard_normal() -> None:
    x = draw("gaussian", "train", 300, rng())
    assert abs(x.mean()) < 0.01  # 10 standard deviations
    assert abs(x.var() - 1) < 0.015
    assert abs(np.mean(x**4) - 3) < 0.1


def test_no_pixel_serves_for_training_and_for_testing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, columns = np.indices((427, 640), dtype=np.float32)
    marked = np.stack([np.stack([np.full_like(rows, k), rows, columns]) for k in range(2)])
    monkeypatch.setattr(images, "_photographs", lambda: marked)
    seen = {part: draw("photographs", part, 5000, rng()) for part in PARTS}
    for parity, part in enumerate(PARTS):
        x = seen[part]
        assert (x[:, 2] // 64 % 2 == parity).all()
        assert (np.diff(x[:, 2], axis=2) == 1).all()
        assert (np.diff(x[:, 1], axis=1) == 1).all()
        assert set(np.unique(x[:, 0])) == {0, 1}
        assert {x[:, 1].min(), x[:, 1].max()} == {0, 426}
        assert len(np.unique(x[:, 2])) == 320  # every column of the part's five bands


def test_photographs_are_standardised_over_the_training_pixels() -> None:
    pixels = images._photographs()
    training = np.concatenate([pixels[..., k : k + 64] for k in range(0, 640, 128)], axis=3)
    assert abs(training.mean(axis=(0, 2, 3), dtype=float)).max() < 1e-5
    assert abs(training.std(axis=(0, 2, 3), dtype=float) - 1).max() < 1e-5
    assert abs(pixels.mean(axis=(0, 2, 3), dtype=float)).max() > 1e-4  # so all pixels together would be another scale


def test_labels_of_photographs_are_nearly_balanced() -> None:
    for part in PARTS:
        assert 0.4 < (labels(draw("photographs", part, 4000, rng())) > 0).mean() < 0.5


def test_labels_compare_the_first_two_channels() -> None:
    x = np.zeros((4, 3, 2, 2))
    x[0, 0, 0, 1], x[1, 1, 1, 1], x[2, 2, 0, 0] = -3, 1, 9
    x[3, :2] = [[[1, 1], [1, 1]], [[1.5, 0], [0, -1.5]]]  # the second has the larger norm, the first the larger sum
    assert labels(x).tolist() == [1, -1, -1, -1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("noise", "train", 1, rng()), "source: got 'noise', want one of gaussian, photographs, cifar10"),
        (("gaussian", "all", 1, rng()), "part: got 'all', want one of train, test"),
        (("gaussian", "train", -1, rng()), "n: got -1, want an integer >= 0"),
        (("gaussian", "train", 1, 0), "rng: got a int, want a numpy.random.Generator"),
    ],
)
def test_bad_arguments(arguments: tuple[str, str, int, np.random.Generator], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(*arguments)


def test_labels_refuse_other_shapes() -> None:
    with pytest.raises(ValueError, match="images: got shape"):
        labels(np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match="images: got 1 channels, want at least 2"):
        labels(np.zeros((2, 1, 4, 4)))


def test_cifar10_is_read_channel_by_channel_and_standardised(cifar10: Path) -> None:
    assert available() == images.SOURCES
    records = np.concatenate([np.frombuffer((cifar10 / name).read_bytes(), np.uint8) for name in FILES[:5]])
    pixels = records.reshape(20, 3073)[:, 1:].reshape(20, 3, 32, 32).astype(float)
    want = (pixels - pixels.mean(axis=(0, 2, 3), keepdims=True)) / pixels.std(axis=(0, 2, 3), keepdims=True)
    found = draw("cifar10", "train", 20, rng())  # all of them, in some order
    order = [int(np.argmin(abs(want - x).max(axis=(1, 2, 3)))) for x in found]
    assert sorted(order) == list(range(20))
    np.testing.assert_allclose(found, want[order], atol=1e-5)


def test_cifar10_tests_on_the_test_batch(cifar10: Path) -> None:
    training, testing = draw("cifar10", "train", 20, rng()), draw("cifar10", "test", 4, rng())
    assert not (testing[:, None] == training).all(axis=(2, 3, 4)).any()
    with pytest.raises(ValueError, match=r"n: got 5, want an integer in \[0, 4\]"):
        draw("cifar10", "test", 5, rng())


def test_without_a_folder_there_is_no_cifar10(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CIFAR10, raising=False)
    assert available() == ("gaussian", "photographs")
    with pytest.raises(ValueError, match=f"{CIFAR10}: not set"):
        draw("cifar10", "train", 1, rng())


def test_a_missing_file_is_named(cifar10: Path) -> None:
    (cifar10 / "data_batch_3.bin").unlink()
    with pytest.raises(ValueError, match=r"without data_batch_3\.bin, want CIFAR-10's binary version") as caught:
        available()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"x" * 3072, b"x" * 6147])
def test_a_cut_file_is_damaged(cifar10: Path, content: bytes) -> None:
    (cifar10 / "test_batch.bin").write_bytes(content)
    with pytest.raises(ValueError, match=f"test_batch.bin' of {len(content)} bytes, want images of 3073 bytes each"):
        available()


def test_classes_beyond_nine_and_plain_colours_are_damage(cifar10: Path) -> None:
    (cifar10 / "test_batch.bin").write_bytes(b"\x0a" + bytes(3072))
    with pytest.raises(ValueError, match=r"got class 10 in .*damaged"):
        draw("cifar10", "test", 1, rng())
    for name in FILES[:5]:
        (cifar10 / name).write_bytes(bytes(3073))
    images._cifar10_pixels.cache_clear()
    images._cifar10_scale.cache_clear()
    with pytest.raises(ValueError, match=r"got a channel of one colour in .*damaged"):
        draw("cifar10", "train", 1, rng())


def test_the_digest_is_that_of_every_image(cifar10: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = {images.digest()}
    for name in (None, *FILES):
        folder = tmp_path_factory.mktemp("other")
        for file in cifar10.iterdir():
            content = bytearray(file.read_bytes())
            content[-1] ^= file.name == name
            (folder / file.name).write_bytes(content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(CIFAR10, str(folder))
            if name is None:
                assert {images.digest()} == found  # the same images in another place
            found.add(images.digest())
    assert len(found) == 1 + len(FILES)
    assert all(len(digest) == 64 for digest in found)


def test_the_digest_of_no_or_a_broken_folder(cifar10: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cifar10 / "data_batch_3.bin").unlink()
    with pytest.raises(ValueError, match=r"without data_batch_3\.bin"):
        images.digest()
    monkeypatch.delenv(CIFAR10)
    assert images.digest() == ""
