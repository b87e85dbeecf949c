"""Every address in a built site: where it leads, and whether it stays inside."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ADDRESSES = {"href", "src", "xlink:href", "action", "formaction", "poster", "data", "cite", "background"}
URL = re.compile(r"(?:url\(|@import\s+)\s*['\"]?([^'\")\s;]+)")


class Page(HTMLParser):
    """The ids and the addresses of a page or of a drawing."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.addresses: list[str] = []
        self._in_style = False
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        self.addresses += [value for name, value in found.items() if name in ADDRESSES]
        self.addresses += [source.split()[0] for source in found.get("srcset", "").split(",") if source.strip()]
        self.addresses += [url for value in found.values() for url in URL.findall(value)]
        if tag == "meta" and found.get("http-equiv", "").lower() == "refresh":
            self.addresses.append(found.get("content", "").partition("=")[2].strip("'\" "))

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.addresses += URL.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def pages(html: Path) -> Mapping[Path, Page]:
    """The pages of a build, by their path."""
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(html.rglob("*.html"))}


def faults(html: Path) -> list[tuple[str, str]]:
    """Addresses in pages, drawings and styles that lead out of the build or to nothing; a file with each."""
    html = html.resolve()
    parsed = {
        path: Page(path.read_text(encoding="utf-8")) for path in html.rglob("*") if path.suffix in (".html", ".svg")
    }
    found = {path: page.addresses for path, page in parsed.items()}
    found |= {path: URL.findall(path.read_text(encoding="utf-8")) for path in html.rglob("*.css")}
    return [
        (path.relative_to(html).as_posix(), address)
        for path, addresses in sorted(found.items())
        for address in addresses
        if not _resolves(address, path, html, parsed)
    ]


def _resolves(address: str, path: Path, html: Path, parsed: Mapping[Path, Page]) -> bool:
    url = urlsplit(address)
    if url.scheme == "data" and not url.netloc:
        return True
    target = (path.parent / unquote(url.path)).resolve() if url.path else path
    inside = not url.scheme and not url.netloc and target.is_relative_to(html) and target.is_file()
    lost = url.fragment and target in parsed and unquote(url.fragment) not in parsed[target].ids
    return inside and not lost
