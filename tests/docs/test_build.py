"""The built pages: no warning, no link into the void, nothing fetched from elsewhere."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("sphinx", "myst_parser", "furo", "sphinx-mathjax-offline")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
FETCHED = {"script", "img", "iframe", "source", "object", "embed", "video", "audio"}
"""Elements whose address is fetched without a click; so is that of a link to a style or a font."""
FETCHED_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "manifest"}

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (pip install .[docs])")


class Page(HTMLParser):
    """The ids and the addresses of a page."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.addresses: list[str] = []
        self.fetched: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        addresses = [found[name] for name in ("href", "src", "data", "poster") if name in found]
        self.addresses += addresses
        if tag in FETCHED or (tag == "link" and FETCHED_LINKS & set(found.get("rel", "").split())):
            self.fetched += addresses


@pytest.fixture(scope="module")
def built(
    generate: ModuleType, whole_report: str, atlas: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Mapping[Path, Page]]:
    """The site, built from a copy of docs/ and the made-up report."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("_build", "generated", "__pycache__"))
    (folder / "figures").mkdir()
    (folder / "figures" / "warmup.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    (folder / "figures" / "warmup.csv").write_text("learner,d,n,error\nfc,5,0,0.5\n")
    (folder / "report.json").write_text(whole_report, encoding="utf-8")
    (folder / "atlas.json").write_text(json.dumps(atlas), encoding="utf-8")
    assert generate.main([str(folder / "report.json"), str(folder / "docs" / "generated")]) == 0
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(folder / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    paths = sorted((folder / "html").rglob("*.html"))
    return folder / "html", {path: Page(path.read_text(encoding="utf-8")) for path in paths}


def test_every_source_page_is_built(built: tuple[Path, Mapping[Path, Page]]) -> None:
    html, pages = built
    sources = (html.parent / "docs").rglob("*.md")
    expected = {
        html / path.relative_to(html.parent / "docs").with_suffix("").with_name(path.stem + ".html") for path in sources
    }
    assert expected <= pages.keys()


def test_every_address_resolves_inside_the_build(built: tuple[Path, Mapping[Path, Page]]) -> None:
    html, pages = built
    broken = []
    for path, page in pages.items():
        for address in page.addresses:
            url = urlsplit(address)
            if url.scheme in ("http", "https", "data", "mailto"):
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            inside = target.is_relative_to(html.resolve()) and target.is_file()
            if not inside or (url.fragment and target in pages and unquote(url.fragment) not in pages[target].ids):
                broken.append((path.name, address))
    assert broken == []


def test_nothing_is_fetched_from_elsewhere(built: tuple[Path, Mapping[Path, Page]]) -> None:
    html, pages = built
    assert all(any("mathjax" in a for a in page.fetched) for page in pages.values() if "thm-c-1" in page.ids)
    away = [a for page in pages.values() for a in page.fetched if urlsplit(a).netloc or urlsplit(a).scheme != ""]
    assert away == []
    for sheet in html.rglob("*.css"):
        urls = re.findall(r"(?:url\(|@import\s+)\s*['\"]?([^'\")\s]+)", sheet.read_text(encoding="utf-8"))
        assert [u for u in urls if urlsplit(u).netloc] == [], sheet.name


def test_math_is_set_by_the_copy_in_the_build(built: tuple[Path, Mapping[Path, Page]]) -> None:
    html, pages = built
    page = html / "generated" / "claims" / "thm-c.1.html"
    (script,) = {a for a in pages[page].fetched if "mathjax" in a.lower()}
    assert (page.parent / urlsplit(script).path).resolve().is_file()
    assert 'class="math' in page.read_text(encoding="utf-8")


def test_the_atlas_links_the_claims_it_names(built: tuple[Path, Mapping[Path, Page]]) -> None:
    html, pages = built
    page = html / "generated" / "atlas.html"
    assert "claims/thm-5.5.html" in pages[page].addresses
    assert any(a.endswith("atlas.json") for a in pages[page].addresses)
    assert "because of &lt;this&gt; &amp; that" in page.read_text(encoding="utf-8")
