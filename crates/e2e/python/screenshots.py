"""Pictures of the console, from the running product: `docs/console/SCREEN-FORM.png`.

Run by hand against a server that has something to show (requests, a withdrawal, a drill that was held), whose files lie where a reader
would expect them; with the address, a password, the browser and the folder in the environment. Forms are filled and sent, so that each
picture shows what its screen is for. A picture with the path of somebody's own machine on it is refused.
"""

import os

from playwright.sync_api import expect, sync_playwright

CONSOLE = os.environ["GWANMUN_CONSOLE"]
PASSWORD = os.environ["GWANMUN_PASSWORD"]
FOLDER = os.environ["GWANMUN_PICTURES"]
# Which model the chat asks; the first where none is named.
MODEL = os.environ.get("GWANMUN_MODEL")
FORMS = {
    "light": {"locale": "en-GB", "viewport": {"width": 1360, "height": 850}},
    "dark": {"locale": "en-GB", "viewport": {"width": 1360, "height": 850}, "color_scheme": "dark"},
    "korean": {"locale": "ko-KR", "viewport": {"width": 1360, "height": 850}, "timezone_id": "Asia/Seoul"},
    "phone": {"locale": "en-GB", "viewport": {"width": 390, "height": 844}},
}
# A picture of a page shows its beginning: longer ones are read on the page itself.
HEIGHTS = {"phone": 1688}
HEIGHT = 1700
QUESTIONS = {"korean": "재택근무 신청 메일의 제목을 하나 제안해 주세요."}
QUESTION = "Suggest a subject line for an e-mail that asks to work from home."
TEXTS = {"korean": "홍길동 님(주민등록번호 900101-1234568, 010-1234-5678)의 계약서를 요약해 주세요."}
TEXT = "Please sum up the contract of Hong Gildong, 900101-1234568, +82 10-1234-5678, gildong@example.com."
# Never part of what is shown: where somebody keeps things on their own machine.
OWN_PATHS = tuple(f"/{folder}/" for folder in ("tmp", "home", "root"))


def chat(page, form):
    if MODEL:
        page.locator("#model-1").select_option(MODEL)
    page.locator("#question").fill(QUESTIONS.get(form, QUESTION))
    page.locator("#question").press("Enter")
    page.locator("#export:enabled").wait_for(timeout=180_000)


def look_at_a_text(page, form):
    page.locator("main textarea").first.fill(TEXTS.get(form, TEXT))
    page.locator("main form button.main").first.click()
    page.locator("#looked, #tried").wait_for()


def verify(page, _):
    page.locator("#verify button").click()
    expect(page.locator("#verdict")).to_have_class("told good", timeout=60_000)


def what_if(page, _):
    choices = page.locator("#what-if select[name=subject]").first
    jurisdictions = choices.locator("option[value^='jurisdiction:US'], option[value^='provider:']")
    if jurisdictions.count() > 0:
        choices.select_option(jurisdictions.last.get_attribute("value"))
        page.locator("#what-if form button").click()


FILLED = {"/chat": chat, "/guard": look_at_a_text, "/routes": look_at_a_text, "/audit": verify, "/jurisdictions": what_if}
# Pages behind a screen: where the link to the newest of them stands.
BEHIND = {"/cut-off": ("#drills tbody a", "drill"), "/requests": ("tbody th a", "request")}


def picture(page, name, form):
    shown = page.locator("body").inner_text()
    found = [path for path in OWN_PATHS if path in shown]
    assert not found, f"{name}: the page shows a path of this machine: {found}"
    # In a picture of a whole page what sticks to the window would end in its middle.
    page.locator(".side").evaluate_all("sides => sides.forEach((it) => Object.assign(it.style, { position: 'static', height: 'auto' }))")
    height = page.evaluate("document.documentElement.scrollHeight")
    width = page.viewport_size["width"]
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, HEIGHTS.get(form, HEIGHT))}
    page.screenshot(path=f"{FOLDER}/{name}-{form}.png", full_page=True, clip=clip)


def pictures(page, form):
    page.goto(f"{CONSOLE}/sign-in")
    picture(page, "sign-in", form)
    page.locator("input[name=name]").fill("owner")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button.main").click()
    page.locator(".side .name").wait_for()
    for screen in [link.get_attribute("href") for link in page.locator(".side nav a").all()]:
        page.goto(CONSOLE + screen)
        if fill := FILLED.get(screen):
            fill(page, form)
        picture(page, screen.strip("/"), form)
        selector, name = BEHIND.get(screen, ("", ""))
        if selector and page.locator(selector).count() > 0:
            page.locator(selector).first.click()
            page.locator("h1").wait_for()
            picture(page, name, form)


def main():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["GWANMUN_TEST_BROWSER"], args=["--no-sandbox", "--disable-gpu"])
        for form, settings in FORMS.items():
            context = browser.new_context(**settings)
            pictures(context.new_page(), form)
            context.close()
        browser.close()


main()
