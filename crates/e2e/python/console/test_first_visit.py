"""A gate that was just made, with a provider that answers at `GWANMUN_PROVIDER`."""

import os
import unittest

from playwright.sync_api import expect

from browsed import CONSOLE, Browsed


class FirstVisit(Browsed):
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
        expect(page.locator("#practice .told.bad")).to_contain_text("local")
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
            expect(page.locator("#tried")).to_contain_text("ours")


if __name__ == "__main__":
    unittest.main(verbosity=2)
