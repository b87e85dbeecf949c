"""Chromium without a window: it opens pages from disk and says what they logged, asked for and look like."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

NARROW, WIDE = 360, 1280
FACTS = (Path(__file__).parent / "facts.js").read_text(encoding="utf-8")
PROGRAMS = (("chromium", "chromium-browser", "google-chrome"), ("chromedriver", "chromium.chromedriver"))
QUIET = (
    "headless=new no-sandbox disable-gpu disable-quic disable-sync disable-extensions disable-component-update "
    "disable-background-networking disable-default-apps no-first-run no-default-browser-check disable-dev-shm-usage "
    "force-prefers-reduced-motion hide-scrollbars"
)
"""Pages of our own need no sandbox, which containers often cannot give; the rest keeps Chromium from the network."""


def missing() -> list[str]:
    """What a browser would need and is not here."""
    absent = [names[0] for names in PROGRAMS if not _program(*names)]
    return absent if importlib.util.find_spec("selenium") else [*absent, "selenium"]


def _program(*names: str) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)


class Browser:
    """One window; pages are opened one after the other."""

    def __init__(self, driver: Chrome, root: Path) -> None:
        self.driver = driver
        self.root = root

    def open(self, page: Path, width: int = WIDE, query: str = "") -> list[str]:
        """Open a page and wait until its math is set; returns the faults that were seen on the way."""
        self._asked(), self._logged()
        self.resize(width)
        self.driver.get(page.as_uri() + query)
        self.driver.execute_script(FACTS)
        self.driver.execute_async_script("facts.ready().then(arguments[0], arguments[0])")
        return self.noticed()

    def noticed(self) -> list[str]:
        """What was logged, and what was asked for outside of the build, since the page was opened."""
        away = [f"request: {url}" for url in self._asked() if not self._inside(url)]
        return away + [f"console: {entry['message']}" for entry in self._logged()]

    def resize(self, width: int, height: int = 900) -> None:
        """Windows have a least width; this is narrower if need be."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def facts(self, name: str, *arguments: Any) -> Any:
        """What one of the functions of facts.js says of the page."""
        return self.driver.execute_script(f"return facts.{name}(...arguments)", *arguments)

    def theme(self, name: str) -> None:
        """Light, dark or auto, as the switch of the page sets it."""
        self.driver.execute_script("document.body.dataset.theme = arguments[0]", name)

    def one(self, selector: str) -> WebElement:
        """The only element that a selector finds."""
        (found,) = self.driver.find_elements("css selector", selector)
        return found

    def texts(self, selector: str) -> list[str]:
        """The visible text of each element that a selector finds, on one line each."""
        return [" ".join(e.text.split()) for e in self.driver.find_elements("css selector", selector)]

    def press(self, key: str) -> None:
        """A key, pressed where the focus is."""
        codes = {"Tab": 9, "Enter": 13, " ": 32}
        event = {"key": key, "code": {" ": "Space"}.get(key, key), "windowsVirtualKeyCode": codes[key]}
        typed = {"text": "\r" if key == "Enter" else key} if key != "Tab" else {}
        self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", **event, **typed})
        self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def until(self, condition: Callable[[], Any], what: str, timeout: float = 10) -> Any:
        """Wait until something holds, and return it."""
        end = time.monotonic() + timeout
        while not (found := condition()):
            assert time.monotonic() < end, f"not within {timeout} s: {what}"
            time.sleep(0.05)
        return found

    def place(self) -> Path:
        """The file that is open."""
        return Path(unquote(urlsplit(self.driver.current_url).path))

    def _inside(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("data", "blob", "chrome") or (
            parts.scheme == "file" and Path(unquote(parts.path)).is_relative_to(self.root)
        )

    def _asked(self) -> list[str]:
        entries = (json.loads(e["message"])["message"] for e in self.driver.get_log("performance"))
        return [
            e["params"].get("url") or e["params"]["request"]["url"]
            for e in entries
            if e["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")
        ]

    def _logged(self) -> list[dict[str, Any]]:
        return self.driver.get_log("browser")


@contextmanager
def started(root: Path, profile: Path) -> Iterator[Browser]:
    """A browser for the pages of one folder, with a profile of its own; without host names it reaches nothing."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    chromium, chromedriver = (_program(*names) for names in PROGRAMS)
    options = ChromeOptions()
    options.binary_location = chromium
    for option in [*QUIET.split(), f"user-data-dir={profile}", "host-resolver-rules=MAP * ~NOTFOUND"]:
        options.add_argument(f"--{option}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.add_experimental_option("perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
    # Selenium looks for nothing on the network if it is told where the driver is.
    driver = Chrome(options=options, service=ChromeService(chromedriver, env={**os.environ, "SE_OFFLINE": "true"}))
    try:
        driver.set_script_timeout(60)
        driver.get("about:blank")  # the browser's own first page asks for things
        yield Browser(driver, root)
    finally:
        driver.quit()
