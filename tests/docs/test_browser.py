"""The built pages in a real browser, opened from disk: what they ask for, look like and do."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.browser import NARROW, WIDE, Browser, missing, started
from theory.groups import GROUPS

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

LOUD = "THE PAGES WERE NOT OPENED IN A BROWSER"
EVERY = ("index.html", "generated/map.html", "generated/claims/thm-5.2.html", "generated/table-1.html", "search.html")
"""A page of each kind, for what is alike on all pages of a kind."""

pytestmark = pytest.mark.filterwarnings(f"default:{LOUD}")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser; without one the tests are skipped with a warning, or fail if ORBITGAP_BROWSER is `required`."""
    if absent := missing():
        reason = f"{LOUD}: not found: {', '.join(absent)} (apt install chromium chromium-driver; pip install .[dev])"
        if os.environ.get("ORBITGAP_BROWSER") == "required":
            pytest.fail(reason)
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    with started(Path("/"), tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser, site: Path) -> Browser:
    """The browser, for the pages of the site."""
    return Browser(chromium.driver, site)


@pytest.fixture
def planted(chromium: Browser, tmp_path: Path) -> Browser:
    """The browser, for pages that a test writes."""
    (tmp_path / "html").mkdir()
    return Browser(chromium.driver, tmp_path / "html")


def faults(browser: Browser, page: Path) -> list[str]:
    """All that is wrong with a page, narrow and wide, light and dark."""
    found = browser.open(page, NARROW)
    for question in ("math", "structure"):
        found += browser.facts(question)
    for width, theme in ((NARROW, "dark"), (WIDE, "light")):
        browser.resize(width)
        browser.theme(theme)
        found += browser.facts("overflow", width)
        found += [f"{theme}: {fault}" for fault in browser.facts("contrast")]
    return found + browser.noticed()


def test_no_page_has_a_fault(browser: Browser) -> None:
    pages = sorted(browser.root.rglob("*.html"))
    assert len(pages) > 50
    found = [f"{page.relative_to(browser.root)}: {fault}" for page in pages for fault in faults(browser, page)]
    assert not found, "\n".join(found)


SOUND = """<!doctype html><html lang="en"><head><title>t</title><style>
body { background: #fff; color: #000 } body[data-theme=dark] { background: #111; color: #eee } a { color: inherit }
</style></head><body><nav><a href="#a">a</a></nav><main id="a"><h1>t</h1><h2>u</h2>@</main></body></html>"""
FAULTS = {
    "console": ("console: ", "<script>console.error('wrong')</script>"),
    "exception": ("console: ", "<script>throw new Error('wrong')</script>"),
    "late exception": ("console: ", "<script>Promise.resolve().then(() => { throw new Error('wrong') })</script>"),
    "missing script": ("console: ", "<script src='none.js'></script>"),
    "picture from elsewhere": ("request: http://", "<img alt='x' src='http://example.org/x.png'>"),
    "fetch from elsewhere": ("request: https://", "<script>fetch('https://example.org/x').catch(() => 0)</script>"),
    "socket to elsewhere": ("request: ws://", "<script>new WebSocket('ws://example.org/')</script>"),
    "file beside the build": ("request: file://", "<script src='../beside.js'></script>"),
    "raw math": ("math left as text", r"<p>where \(x\) is</p>"),
    "raw display": ("math left as text", "<p>$$x$$</p>"),
    "math that is not set": ("math not set", "<span class='math'>x</span>"),
    "wide": ("wider than 360", "<div style='width: 400px'>x</div>"),
    "wide frame": (
        "wider than 360",
        "<div class='content' style='overflow-x: auto'><pre>" + "x" * 100 + "</pre></div>",
    ),
    "very wide": ("wider than 1280", "<div style='width: 1500px'>x</div>"),
    "cell": ("a cell spills over", "<table><tr><th style='max-width: 9px'>" + "x" * 40 + "</th></tr></table>"),
    "two headings": ("structure: 2 headings of the first level", "<h1>v</h1>"),
    "level": ("heading skips a level", "<h4>v</h4>"),
    "two mains": ("structure: 2 main", "<div role='main'></div>"),
    "picture": ("no text alternative", "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>"),
    "drawing": ("no text alternative", "<svg width='9' height='9'></svg>"),
    "drawing without a name": ("no text alternative", "<svg role='img' width='9' height='9'></svg>"),
    "button": ("no name", "<button></button>"),
    "link": ("no name", "<a href='#a'></a>"),
    "field": ("no label", "<input type='search'>"),
    "table": ("table without heads", "<table><tr><td>x</td></tr></table>"),
    "ids": ("id twice", "<p id='a'>x</p>"),
    "pale": ("dark: contrast 1", "<p style='color: #777; background: #888'>x</p>"),
    "pale on light": ("light: contrast 1", "<p style='color: #eee'>x</p>"),
    "pale on dark": ("dark: contrast 1", "<p style='color: #222'>x</p>"),
    "translucent": ("light: contrast 2", "<div style='opacity: 0.4'><p>x</p></div>"),
    "pale in a drawing": (
        "light: contrast 1",
        "<svg role='img' aria-label='x' width='99' height='99'><rect width='99' height='99' fill='#999'/>"
        "<text x='40' y='50' fill='#aaa'>x</text></svg>",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_seen(name: str, planted: Browser) -> None:
    kind, content = FAULTS[name]
    (planted.root.parent / "beside.js").write_text("0")
    page = planted.root / "page.html"
    page.write_text(SOUND.replace("@", content))
    found = faults(planted, page)
    assert any(fault.startswith(kind) for fault in found), found
    kinds = ("console", "request", "math", "wide", "too wide", "light", "dark")
    others = [f for f in found if not f.startswith(kinds) and not f.startswith(kind)]
    assert others == []


def test_a_sound_page_has_no_fault(planted: Browser) -> None:
    page = planted.root / "page.html"
    wide = "<div style='overflow-x: auto'><pre>" + "x" * 999 + "</pre></div>"
    on_dark = (
        "<svg role='img' aria-label='x'><rect width='99' height='99'/><text x='9' y='50' fill='#fff'>x</text></svg>"
    )
    page.write_text(SOUND.replace("@", wide + on_dark + r"<p><code>\(x\)</code></p>"))
    assert faults(planted, page) == []


@pytest.mark.parametrize("change", ["no language", "no navigation"])
def test_a_page_without_its_frame_is_seen(change: str, planted: Browser) -> None:
    page = planted.root / "page.html"
    removed = {"no language": (' lang="en"', ""), "no navigation": ("nav>", "div>")}[change]
    page.write_text(SOUND.replace("@", "").replace(*removed))
    (found,) = faults(planted, page)
    assert found in ("structure: no language", "structure: 0 navigation landmarks")


@pytest.mark.parametrize("tex", [r"\(\frac{1}\)", r"\(\nosuchthing\)", r"\(\left( x\)"])
def test_wrong_tex_is_seen(tex: str, chromium: Browser, site: Path, tmp_path: Path) -> None:
    script = (site / "_static" / "mathjax" / "tex-chtml.js").as_uri()
    page = tmp_path / "page.html"
    for content, wrong in ((r"\(x\)", False), (tex, True)):
        math = f'<span class="math">{content}</span><script src="{script}"></script>'
        page.write_text(SOUND.replace("@", math))
        assert any(fault.startswith("math") for fault in faults(chromium, page)) == wrong


def test_a_click_on_the_map_opens_the_claim(browser: Browser) -> None:
    for activate in (lambda node: click(browser, node), lambda node: focus_and_press(browser, node, "Enter")):
        assert browser.open(browser.root / "generated" / "map.html") == []
        activate(browser.one('svg#claim-map a.node[data-id="thm-5.2"]'))
        browser.until(lambda: browser.place().name == "thm-5.2.html", "the claim opens")
        assert browser.place() == browser.root / "generated" / "claims" / "thm-5.2.html"
        assert "thm-5.2" in browser.texts("h1")[0]


def click(browser: Browser, element: WebElement) -> None:
    """A click with the mouse, in the middle of the window, where nothing lies over it."""
    browser.driver.execute_script("arguments[0].scrollIntoView({ block: 'center', inline: 'center' })", element)
    element.click()


def focus_and_press(browser: Browser, element: WebElement, key: str) -> None:
    browser.driver.execute_script("arguments[0].focus()", element)
    browser.press(key)


def test_the_map_has_every_claim(browser: Browser) -> None:
    browser.open(browser.root / "generated" / "map.html")
    pages = {path.stem for path in (browser.root / "generated" / "claims").glob("*.html")} - {"index"}
    drawn = browser.driver.execute_script("return [...document.querySelectorAll('a.node')].map(a => a.dataset.id)")
    assert sorted(drawn) == sorted(pages)
    rows = browser.driver.execute_script("return document.querySelector('#claim-table').tBodies[0].rows.length")
    assert rows == len(pages)


def test_the_map_zooms(browser: Browser) -> None:
    browser.open(browser.root / "generated" / "map.html")
    size = "const r = document.querySelector('a.node').getBoundingClientRect(); return [r.width, r.height]"
    at_first = browser.driver.execute_script(size)
    for button, grows in (("#map-zoom-in", True), ("#map-reset", None), ("#map-zoom-out", False), ("#map-reset", None)):
        browser.one(button).click()
        now = browser.driver.execute_script(size)
        assert (now == pytest.approx(at_first)) if grows is None else (now[0] > at_first[0]) == grows
        assert grows is None or now != pytest.approx(at_first)
    assert browser.noticed() == []


@pytest.mark.parametrize("table", ["map.html#claim-table", "atlas.html#atlas-table"])
def test_a_table_sorts(table: str, browser: Browser) -> None:
    page, _, id = table.partition("#")
    browser.open(browser.root / "generated" / page)
    heads = browser.driver.find_elements("css selector", f"#{id} thead th > button")
    assert len(heads) > 4
    assert said_of_heads(browser, id) == ["none"] * len(heads)
    at_first = keys(browser, id, 0)
    assert len(at_first) > 1
    for column in range(len(heads)):
        heads[column].click()
        up = keys(browser, id, column)
        assert sorts(browser, id) == {column: "ascending"}
        assert up == in_order(browser, up)
        focus_and_press(browser, heads[column], " ")
        assert sorts(browser, id) == {column: "descending"}
        assert keys(browser, id, column)[::-1] == in_order(browser, up)
    assert sorted(keys(browser, id, 0)) == sorted(at_first)
    assert browser.noticed() == []


def keys(browser: Browser, id: str, column: int) -> list[str]:
    """What the rows of a table are sorted by; if it has many bodies, the first row of each counts."""
    return browser.driver.execute_script(
        """const [id, column] = arguments, bodies = [...document.getElementById(id).tBodies];
        const rows = bodies.length > 1 ? bodies.map(body => body.rows[0]) : [...bodies[0].rows];
        const key = cell => cell.dataset.key ?? cell.textContent.trim().toLowerCase();
        return rows.filter(row => row.offsetParent).map(row => key(row.cells[column]))""",
        id,
        column,
    )


def in_order(browser: Browser, found: Sequence[str]) -> list[str]:
    """Numbers by size, words as people sort them."""
    return browser.driver.execute_script(
        """const words = new Intl.Collator("en", { numeric: true }).compare, found = arguments[0];
        return found.slice().sort(found.some(isNaN) ? words : (a, b) => a - b)""",
        found,
    )


def sorts(browser: Browser, id: str) -> dict[int, str]:
    """Which heads say that the table is sorted by them, and how."""
    return {column: order for column, order in enumerate(said_of_heads(browser, id)) if order != "none"}


def said_of_heads(browser: Browser, id: str) -> list[str | None]:
    heads = browser.driver.find_elements("css selector", f"#{id} thead th")
    return [head.get_attribute("aria-sort") for head in heads]


def test_the_focus_on_the_map_tells_what_a_claim_rests_on(browser: Browser) -> None:
    browser.open(browser.root / "generated" / "map.html")
    described = """const found = [...document.querySelectorAll("[aria-describedby=map-says]")];
        return found.map(node => [node.dataset.id, document.getElementById("map-says").textContent])"""
    assert browser.driver.execute_script(described) == []
    for id, other in (("thm-5.2", "thm-5.2-explicit"), ("def-3.2", "def-3.1")):
        node = browser.one(f'svg#claim-map a.node[data-id="{id}"]')
        browser.driver.execute_script("arguments[0].focus()", node)
        ((focused, says),) = browser.driver.execute_script(described)
        assert focused == id
        assert "Rests on" in says
        assert other in says
    browser.driver.execute_script("document.activeElement.blur()")
    assert browser.driver.execute_script(described) == []


CHOICES = {
    "table-1.html": ("#combine-algorithm", "#combine-result"),
    "map.html": ("#map-filter [name=words]", "#map-filter output"),
    "atlas.html": ("#atlas-filter", "#atlas-count"),
}


@pytest.mark.parametrize("page", CHOICES)
def test_what_is_said_is_of_what_is_chosen_when_a_page_comes_back(page: str, browser: Browser) -> None:
    """A browser may restore what was chosen without telling the page of a change."""
    browser.open(browser.root / "generated" / page)
    field, says = CHOICES[page]
    assert browser.one(field).find_element("xpath", "ancestor::form").get_attribute("autocomplete") == "off"
    before = browser.texts(says)
    restored = """const field = document.querySelector(arguments[0]);
        if (field.options) field.selectedIndex = field.options.length - 1; else field.value = "no such thing";
        dispatchEvent(new PageTransitionEvent("pageshow"))"""
    browser.driver.execute_script(restored, field)
    assert browser.texts(says) != before
    assert browser.noticed() == []


def test_the_atlas_filters(browser: Browser) -> None:
    browser.open(browser.root / "generated" / "atlas.html")
    every = keys(browser, "atlas-table", 0)
    name = every[0]
    field = browser.one("input#atlas-filter, #atlas-filter input[type=search]")
    for typed, wanted in ((name, [k for k in every if name in k]), ("no such optimizer", []), ("", every)):
        field.clear()
        field.send_keys(typed or " ")
        assert keys(browser, "atlas-table", 0) == wanted
    assert browser.noticed() == []


def test_choices_combine(browser: Browser) -> None:
    browser.open(browser.root / "generated" / "table-1.html")

    def combined(**chosen: str) -> str:
        for kind, words in chosen.items():
            select = browser.one(f"#combine-{kind}")
            next(option for option in select.find_elements("css selector", "option") if words in option.text).click()
        return browser.one("#combine-result").text

    orthogonal = f"Keeps: {GROUPS['orthogonal'].title}"
    kept = combined(algorithm="gradient descent", initialisation="centred Gaussian", regularisation="l_2")
    assert orthogonal in kept
    assert browser.driver.find_elements("css selector", "#combine-result a[href*='claims/']")
    for kind, words, back in (
        ("algorithm", "AdaGrad", "gradient descent"),
        ("initialisation", "symmetric about 0", "centred Gaussian"),
        ("regularisation", "l_p", "l_2"),
    ):
        assert orthogonal not in combined(**{kind: words})
        assert combined(**{kind: back}) == kept
    assert "so is the step that joins the penalty" in kept
    plain = combined(algorithm="Newton", regularisation="none")
    assert "only on data that span" in plain
    assert "thm-5.2" not in plain
    assert "? Not certified: the penalty need not be" in combined(regularisation="l_2")
    assert browser.noticed() == []


def test_search_works_from_disk(browser: Browser) -> None:
    assert browser.open(browser.root / "search.html", query="?q=packing") == []
    links = browser.until(lambda: browser.driver.find_elements("css selector", "#search-results li a"), "results")
    browser.until(lambda: "Search finished" in " ".join(browser.texts("#search-results")), "the search ends")
    assert any("Packing" in link for link in browser.texts("#search-results li a"))
    assert browser.noticed() == []
    links[0].click()
    browser.until(lambda: browser.place().name != "search.html", "a result opens")
    assert browser.place().is_file()


def test_the_theme_changes_and_stays(browser: Browser) -> None:
    colours = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
    page, other = (browser.root / "generated" / name for name in ("run.html", "map.html"))
    browser.open(page)
    browser.theme("light")
    light = browser.driver.execute_script(colours)
    toggle = browser.one(".theme-toggle-content button.theme-toggle")
    seen = set()
    for _ in range(3):
        toggle.click()
        seen.add(browser.driver.execute_script("return document.body.dataset.theme"))
        if "dark" in seen:
            break
    assert browser.driver.execute_script("return document.body.dataset.theme") == "dark"
    dark = browser.driver.execute_script(colours)
    assert dark[0] != light[0]
    assert dark[1] != light[1]
    browser.open(other)
    assert browser.driver.execute_script(colours) == dark
    browser.driver.execute_script("localStorage.setItem('theme', 'auto')")


def test_a_certificate_is_copied(browser: Browser) -> None:
    browser.open(browser.root / "generated" / "claims" / "thm-5.2.html")
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
    browser.driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    block = browser.driver.find_elements("css selector", "details div.highlight:has(button.copybtn)")[0]
    shown = block.find_element("css selector", "pre").text
    click(browser, block.find_element("css selector", "button.copybtn"))
    copied = browser.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied.split() == shown.split()
    assert len(copied) > 20


@pytest.mark.parametrize("name", EVERY)
def test_the_keyboard_reaches_all_and_is_seen(name: str, browser: Browser) -> None:
    browser.open(browser.root / name)
    first = [focus_after_tab(browser) for _ in range(12)]
    browser.open(browser.root / name)
    while "Skip to content" not in focus_after_tab(browser)["label"]:
        pass
    browser.press("Enter")
    wanted = browser.driver.execute_script(
        "return [...document.querySelectorAll('[role=main] :is(a[href], button, select, input, summary)')]"
        ".filter(e => e.checkVisibility({ visibilityProperty: true })).length"
    )
    main = [focus_after_tab(browser) for _ in range(min(wanted, 60))]
    unseen = [f for f in [*first, *main] if not f["visible"]]
    assert unseen == []
    assert all(f["main"] for f in main)


def focus_after_tab(browser: Browser) -> dict[str, Any]:
    browser.press("Tab")
    return browser.facts("focus") or {"label": "", "visible": False, "main": False}


def test_menus_open_by_keyboard_on_narrow_pages(browser: Browser) -> None:
    browser.open(browser.root / "generated" / "claims" / "thm-5.2.html", NARROW)
    assert "__navigation" in focus_after_tab(browser)["label"]
    shown = "return document.querySelector('.sidebar-drawer a').checkVisibility({ visibilityProperty: true })"
    assert not browser.driver.execute_script(shown)
    browser.press(" ")
    browser.until(lambda: browser.driver.execute_script(shown), "the menu opens")


@pytest.mark.parametrize(("required", "code", "outcome"), [("", 0, "1 warning"), ("required", 1, "1 error")])
def test_a_missing_browser_is_loud(required: str, code: int, outcome: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", __file__, "-k", "sound"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": "", "ORBITGAP_BROWSER": required},
    )
    assert done.returncode == code
    assert f"{LOUD}: not found: chromium, chromedriver" in done.stdout
    assert outcome in done.stdout
