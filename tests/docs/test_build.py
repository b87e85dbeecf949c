"""The built pages: no warning, no link into the void, none that leaves the build."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.site import faults, pages


def test_every_source_page_is_built(built: Path) -> None:
    sources = built.parent / "docs"
    expected = {built / path.relative_to(sources).with_suffix(".html") for path in sources.rglob("*.md")}
    assert expected <= pages(built).keys()


def test_every_address_resolves_inside_the_build(site: Path) -> None:
    assert faults(site) == []


SOUND = '<p id="here"><a href="#here">x</a><a href="other.html#there">x</a><img src="data:image/png;base64,AA=="></p>'
LEAVES = {
    "a link": '<a href="https://example.org/">x</a>',
    "a link without a scheme": '<a href="//example.org/">x</a>',
    "mail": '<a href="mailto:a@example.org">x</a>',
    "a script": '<script src="http://example.org/x.js"></script>',
    "a form": '<form action="https://example.org/search"></form>',
    "a picture's sources": '<img src="x.svg" srcset="x.svg 1x, https://example.org/x.svg 2x">',
    "a drawing's link": '<svg><a xlink:href="https://example.org/"></a></svg>',
    "a poster": '<video poster="https://example.org/x.png"></video>',
    "a style": "<style>p { background: url('https://example.org/x.png') }</style>",
    "an element's style": '<p style="background: url(https://example.org/x.png)">x</p>',
    "an imported style": '<style>@import "https://example.org/x.css";</style>',
    "another address after a while": '<meta http-equiv="refresh" content="0; url=https://example.org/">',
    "a file beside the build": '<a href="../beside.html">x</a>',
    "a missing file": '<a href="none.html">x</a>',
    "a folder": '<a href=".">x</a>',
    "a missing anchor": '<a href="#none">x</a>',
    "a missing anchor elsewhere": '<a href="other.html#none">x</a>',
    "a missing part of a drawing": '<svg><use href="#none"/><path clip-path="url(#here)"/></svg>',
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A site in which every address is sound."""
    html = tmp_path / "html"
    html.mkdir()
    (tmp_path / "beside.html").write_text("beside")
    (html / "index.html").write_text(SOUND)
    (html / "other.html").write_text('<p id="there">x</p>')
    (html / "x.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><g id="a"/><use xlink:href="#a"/></svg>')
    (html / "x.css").write_text("p { background: url(x.svg) }")
    return html


@pytest.mark.parametrize("fault", LEAVES)
def test_an_address_that_leaves_is_seen(fault: str, small: Path) -> None:
    assert faults(small) == []
    (small / "index.html").write_text(SOUND + LEAVES[fault])
    assert [name for name, _ in faults(small)] == ["index.html"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.svg", '<svg><image href="https://example.org/x.png"/></svg>'), ("x.css", "@import url(//example.org/x.css);")],
)
def test_styles_and_drawings_are_read_too(name: str, content: str, small: Path) -> None:
    (small / name).write_text(content)
    assert [path for path, _ in faults(small)] == [name]


def test_math_is_set_by_the_copy_in_the_build(built: Path) -> None:
    page = built / "generated" / "claims" / "thm-c.1.html"
    (script,) = {a for a in pages(built)[page].addresses if "mathjax" in a.lower()}
    assert (page.parent / urlsplit(script).path).resolve().is_file()
    assert 'class="math' in page.read_text(encoding="utf-8")


def test_the_atlas_links_the_claims_it_names(built: Path) -> None:
    page = built / "generated" / "atlas.html"
    addresses = pages(built)[page].addresses
    assert "claims/thm-5.5.html" in addresses
    assert any(a.endswith("atlas.json") for a in addresses)
    assert "because of &lt;this&gt; &amp; that" in page.read_text(encoding="utf-8")
