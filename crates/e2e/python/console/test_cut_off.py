"""Withdrawals and rehearsals of them, from the board."""

import hashlib
import json
import re
import time
import unittest

from playwright.sync_api import expect

from browsed import CONSOLE, Browsed, asked


class CutOff(Browsed):
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
        expect(place.locator(".tag.bad")).to_be_visible()
        expect(place).to_contain_text("a letter came")
        expect(reader.locator("#banner")).to_contain_text("abroad")
        operator.goto(f"{CONSOLE}/cut-off/restore?subject=destination:abroad")
        operator.locator("main input[name=why]").fill("the letter was a mistake")
        operator.locator("main button.main").click()
        expect(place.locator(".tag.good")).to_be_visible()
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
        expect(page.locator("#drill .tag")).to_have_text("running")
        expect(reader.locator("#drills tbody .tag")).to_have_text("진행 중")
        since = time.monotonic()
        while asked("m")[1] != "home":
            self.assertLess(time.monotonic() - since, 15, "it is not in force")
        for _ in range(24):
            self.assertEqual(asked("m"), (200, "home"))
        for _ in range(4):
            self.assertEqual(asked("alone")[0], 503)

        expect(self.figure(page, "Not answered")).to_have_text("4")
        expect(self.figure(page, "Requests")).to_have_text(re.compile("^(29|[3-9][0-9])$"))
        self.fit(page, page.url)
        page.locator("#stop button.danger").click()
        expect(page.locator("#drill .tag").first).to_have_text("reported")
        expect(page.locator("#drill")).to_contain_text("somebody stopped it")
        expect(reader.locator("#drills tbody .tag")).to_have_text("보고서 있음")
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
        expect(page.locator("#drill .tag").first).to_have_text("보고서 있음")
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
