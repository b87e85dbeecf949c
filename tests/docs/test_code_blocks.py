"""The Python on the hand-written pages runs: the blocks of a page one after the other, as a reader would."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```(\S*)", re.MULTILINE)


def blocks(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda p: p.name)
def test_blocks_run(page: Path, tmp_path: Path) -> None:
    code = tmp_path / f"{page.stem}.py"
    code.write_text("\n".join(blocks(page)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(code)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_block_escapes_the_test(page: Path) -> None:
    opened = FENCE.findall(page.read_text(encoding="utf-8"))[::2]
    assert all(name in ("python", "console", "text", "json") or name.startswith("{") for name in opened), opened
    assert opened.count("python") == len(blocks(page))


def test_there_is_something_to_run() -> None:
    assert len(blocks(ROOT / "docs" / "index.md")) >= 1
    assert len(blocks(ROOT / "docs" / "add-a-theorem.md")) >= 1
    assert len(blocks(ROOT / "docs" / "check-an-optimizer.md")) >= 5
