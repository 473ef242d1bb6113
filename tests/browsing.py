"""Pages in a headless Chromium, which tests look at."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NARROW = 390
"""Width of a usual phone, pixels of CSS."""


def find_browser() -> tuple[str, str]:
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no Chromium with chromedriver is installed, which the page is looked at with")
    return browser, driver


@contextmanager
def chromium(width: int = 1280, height: int = 900) -> Iterator[Any]:
    """Headless Chromium, whose console can be read."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    binary, driver = find_browser()
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.add_argument(f"--window-size={width},{height}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def wait_for(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def wait_for_script(browser: Any, script: str, wanted: Any, seconds: float = 60.0) -> None:
    """Wait until a script returns what is wanted."""
    end, found = time.monotonic() + seconds, None
    while time.monotonic() < end:
        found = browser.execute_script(f"return {script}")
        if found == wanted:
            return
        time.sleep(0.1)
    raise AssertionError(f"{script} is {found!r}, must be {wanted!r}: {browser.get_log('browser')}")


def narrow(browser: Any, width: int = NARROW) -> None:
    """Show a page as wide as on a phone: a window has a least width, so the page is told another."""
    given = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", given)
    wait_for_script(browser, "window.innerWidth", width)


def outside(browser: Any, *inside: str) -> list[str]:
    """Addresses that the page has asked for, beside those that begin as told."""
    asked = browser.execute_script("return performance.getEntriesByType('resource').map((each) => each.name)")
    return [name for name in asked if not name.startswith((*inside, "data:"))]


def errors(browser: Any) -> list[str]:
    """Errors of the console since it was read last."""
    return [each["message"] for each in browser.get_log("browser") if each["level"] == "SEVERE"]
