"""What the console's tests in a browser share: somebody's browser, and what must never be seen in it.

Each `test_*.py` here is started by the Rust tests with the addresses, the API key, a password and the browser in the environment. It
knows only what a person can see and do; what nobody may see happen (a call to another host, a message in the browser's console, a
dialogue) fails it.
"""

import json
import os
import time
import unittest
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

CONSOLE = os.environ["GWANMUN_CONSOLE"]
URL = os.environ["GWANMUN_URL"]
PASSWORD = os.environ["GWANMUN_PASSWORD"]
BROWSER = os.environ["GWANMUN_TEST_BROWSER"]
# A key of the API, and the model on the local floor.
KEY, MODEL = [os.environ.get(f"GWANMUN_{name}", "") for name in ("KEY", "MODEL")]
# Without these a browser looks for its maker's hosts at every start.
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]

# A busy machine starts a program or draws a page in many seconds; who waits for what does come waits no longer than that.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


class Browsed(unittest.TestCase):
    """A browser, and what must never be seen in it."""

    @classmethod
    def setUpClass(cls):
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path=BROWSER, args=SWITCHES)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.playwright.stop()

    def setUp(self):
        self.wrong = []

    def tearDown(self):
        self.assertEqual(self.wrong, [])

    def page(self, name="owner", language="en-GB", **more):
        """A signed-in person's page; everything that must not happen on it is written down."""
        context = self.browser.new_context(locale=language, **more)
        context.set_default_timeout(PATIENCE_MS)
        self.addCleanup(context.close)
        page = context.new_page()
        self.watch(page)
        page.goto(f"{CONSOLE}/sign-in")
        page.locator("input[name=name]").fill(name)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("main button.main").click()
        expect(page.locator(".side .name")).to_be_visible()
        return page

    def fit(self, page, where):
        """Nothing serious that axe finds, with everything opened that can be."""
        page.evaluate("document.querySelectorAll('main details, .banner').forEach((it) => (it.open = true))")
        found = Axe().run(page).response["violations"]
        bad = [(it["id"], it["nodes"][0]["html"]) for it in found if it["impact"] in ("serious", "critical")]
        self.assertEqual(bad, [], where)

    def watch(self, page):
        home = urlsplit(CONSOLE).netloc

        def written(message):
            if message.type == "error":
                self.wrong.append(f"{message.text} {message.location['url']}")

        page.on("console", written)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: (self.wrong.append(f"a dialogue: {dialog.message}"), dialog.dismiss()))

        def asked(request):
            address = urlsplit(request.url)
            if address.scheme in ("http", "https") and address.netloc != home:
                self.wrong.append(f"asked {request.url}")

        page.on("request", asked)

    def found(self, page, address, what):
        """What is there once the log's entries have been taken into the index; loaded again for a while, until it is."""
        since = time.monotonic()
        while True:
            page.goto(address)
            if page.locator(what).count() > 0 or time.monotonic() - since > 20:
                return page.locator(what).first

    def screens(self, page):
        return [link.get_attribute("href") for link in page.locator(".side nav a").all()]


def status(key, until):
    """What the API says to a key; asked again for a while, until it is that."""
    since = time.monotonic()
    while True:
        request = urllib.request.Request(f"{URL}/v1/models", headers={"Authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                said = answer.status
        except urllib.error.HTTPError as error:
            said = error.code
        if said == until or time.monotonic() - since > 10:
            return said


def asked(model):
    """Asks the API for an answer; its status, and who answered."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Which is the capital?"}]}).encode()
    heads = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{URL}/v1/chat/completions", data=body, headers=heads)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["x-gwanmun-destination"]
    except urllib.error.HTTPError as error:
        return error.code, None
