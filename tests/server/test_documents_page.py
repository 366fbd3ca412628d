"""The page of each service's document in a real browser: it works under our policy, and asks nobody but us."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.api import RemoteApi, token
from tests.servers import Server
from tests.worlds import World

CHROMIUM = shutil.which("chromium") or ""
DRIVER = shutil.which("chromedriver") or ""
SECONDS = 20
# No network of its own, nothing left behind, and a sandbox that root cannot have.
ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1600"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-default-apps", "--no-proxy-server"),
)
ORGANIZATION = "documents-page"

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="the packages chromium and chromium-driver are not installed"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Page:
    """The page as somebody sees it who has just opened it."""

    def __init__(self, browser: webdriver.Chrome, url: str) -> None:
        self.browser = browser
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(url)
        self.shown(".opblock")

    def shown(self, selector: str, within: WebElement | None = None) -> WebElement:
        """The first such element, once it can be seen."""

        def visible(browser: webdriver.Chrome) -> list[WebElement]:
            found = (within or browser).find_elements(By.CSS_SELECTOR, selector)
            return [element for element in found if element.is_displayed()]

        return WebDriverWait(self.browser, SECONDS).until(visible, f"nothing is shown for {selector}")[0]

    @property
    def operations(self) -> set[tuple[str, str]]:
        """Method and path of each, as they are listed."""
        script = """return [...document.querySelectorAll(".opblock")].map(block => [
            block.querySelector(".opblock-summary-method").textContent,
            block.querySelector(".opblock-summary-path, .opblock-summary-path__deprecated").dataset.path])"""
        return {(method.lower(), path) for method, path in self.browser.execute_script(script)}

    def authorize(self, bearer: str) -> None:
        self.shown("button.authorize").click()
        dialog = self.shown(".dialog-ux .modal-ux")
        self.shown("input", dialog).send_keys(bearer)
        self.shown("button.modal-btn.authorize", dialog).click()
        self.shown("button.btn-done", dialog).click()

    def execute(self, path: str) -> tuple[int, Any]:
        """Tries the GET of the path out; the status and the body that the page then shows."""
        block = self.shown(f'.opblock-get:has([data-path="{path}"])')
        self.shown(".opblock-summary-control", block).click()
        self.shown(".try-out__btn", block).click()
        self.shown("button.execute", block).click()
        answer = self.shown(".live-responses-table .response", block)
        status = self.shown(".response-col_status", answer).text
        body = self.shown(".highlight-code code", answer).get_attribute("textContent")
        return int(status.split()[0]), json.loads(body or "")

    @property
    def addresses(self) -> list[str]:
        """What the page has asked for since this was last asked."""
        messages = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        sent = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in sent]

    @property
    def complaints(self) -> list[str]:
        """What the browser has complained of since: errors of scripts, refused loads, what the policy forbids."""
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] != "INFO"]


@pytest.fixture
def page(browser: webdriver.Chrome, server: Server, service: str) -> Page:
    return Page(browser, f"{server.url}/{service}/v1/docs")


@pytest.fixture
def path(api: RemoteApi, world: World) -> str:
    """Of a list that holds a record."""
    name, body = world.plain(7)
    made = api.as_(organization=ORGANIZATION).post(name, body)
    assert made.status in {201, 409}, made.content  # 409 once another test has made it
    return f"/{name}"


def test_it_lists_every_operation(page: Page, api: RemoteApi) -> None:
    document = api.get("openapi.json").json
    assert page.operations == {(method, path) for path, item in document["paths"].items() for method in item}
    assert page.complaints == []


def test_it_shows_an_answer_and_asks_nobody_but_us(page: Page, server: Server, path: str) -> None:
    page.authorize(token("dr-lee", ORGANIZATION))
    status, body = page.execute(path)
    assert status == 200
    assert len(body["results"]) == 1
    addresses = page.addresses
    assert any(each.startswith(f"{server.url}/static/") for each in addresses)
    assert any(path in each for each in addresses)
    assert [each for each in addresses if not each.startswith((f"{server.url}/", "data:", "blob:", "about:"))] == []
    assert page.complaints == []


def test_it_shows_our_problem(page: Page, path: str) -> None:
    status, problem = page.execute(path)
    assert (status, problem["code"]) == (401, "unauthenticated")
    # The browser tells of the refused call itself, and of nothing else.
    (complaint,) = page.complaints
    assert "status of 401" in complaint
