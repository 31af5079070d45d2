"""Pages under a reader's hand: followed while they change, in the reader's own time, on a phone."""

import unittest

from playwright.sync_api import expect

from browsed import CONSOLE, MODEL, PASSWORD, Browsed


class Pages(Browsed):
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
        expect(page.locator("#standing dd").nth(2)).not_to_have_text(f"{before:,}")
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
        expect(page.locator("#unfollowed")).to_be_visible()

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
