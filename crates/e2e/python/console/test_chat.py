"""Questions that people ask on the chat page, and what becomes of them."""

import json
import os
import re
import unittest

from playwright.sync_api import expect

from browsed import CONSOLE, MODEL, Browsed

# The text that `river` tells, whoever tells which part of it.
TOLD = os.environ["GWANMUN_TOLD"]


class Chat(Browsed):
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
        expect(place.locator(".tag.bad")).to_be_visible()
        expect(place).to_contain_text("이 지역에 제공 안 함")
        expect(page.locator("#banner")).to_contain_text("목적지 shut-out")

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
