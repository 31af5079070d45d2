"""What models, callers and other sites try against whoever reads a page."""

import json
import unittest

from playwright.sync_api import expect

from browsed import CONSOLE, Browsed

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


class Hostile(Browsed):
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
            framing.route(f"{CONSOLE}/framing", lambda route, _, path=path: route.fulfill(
                content_type="text/html", body=f'<iframe src="{CONSOLE}{path}"></iframe>'))
            asked_for = []
            framing.on("request", lambda request: asked_for.append(request.url))
            framing.goto(f"{CONSOLE}/framing")
            framing.wait_for_load_state("networkidle")
            self.assertIn(CONSOLE + path, asked_for)
            self.assertEqual(len(framing.frames), 2)
            for frame in framing.frames[1:]:
                self.assertFalse("Gwanmun" in frame.content(), f"{path} is framed")
            framing.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
