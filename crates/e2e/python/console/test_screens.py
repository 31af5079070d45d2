"""Every screen, whatever it shows: fit for everybody, in five languages, in the dark, on a phone, without scripts, and light."""

import unittest

from playwright.sync_api import expect

from browsed import CONSOLE, Browsed, asked


class Screens(Browsed):
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
        self.assertEqual(asked("m")[0], 200)
        one = self.found(page, f"{CONSOLE}/requests?state=answered", "tbody a[href^='/requests/']")
        page.goto(CONSOLE + one.get_attribute("href"))
        expect(page.locator("svg.timing")).to_be_visible()
        self.fit(page, "one request")
        page.goto(f"{CONSOLE}/guard")
        page.locator("main textarea").first.fill("My number is 900101-1234568.")
        page.locator("main form button.main").first.click()
        self.fit(page, "a text looked at")
        page.goto(f"{CONSOLE}/routes")
        page.locator("main textarea").first.fill("My number is 900101-1234568.")
        page.locator("main form button.main").first.click()
        self.fit(page, "a dry run")

    def test_pages_read_without_scripts(self):
        page = self.page(java_script_enabled=False)
        for screen in self.screens(page):
            page.goto(CONSOLE + screen)
            expect(page.locator("h1")).to_be_visible()
            self.assertGreater(len(page.locator("main").inner_text()), 40, screen)

    def test_whatever_page_is_the_first_is_light(self):
        signed_in = self.page().context.storage_state()
        for path in ("/sign-in", "/overview", "/jurisdictions", "/cut-off", "/models", "/requests", "/chat"):
            # Nothing is kept from another page: each is the first that a browser sees.
            context = self.browser.new_context(storage_state=None if path == "/sign-in" else signed_in)
            self.addCleanup(context.close)
            page = context.new_page()
            devtools = context.new_cdp_session(page)
            sizes = []
            devtools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
            devtools.send("Network.enable")
            page.goto(CONSOLE + path, wait_until="load")
            page.wait_for_timeout(500)
            self.assertGreater(len(sizes), 1, path)
            self.assertLessEqual(sum(sizes), 150_000, path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
