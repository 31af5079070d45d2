"""Pictures of the console, from the running product: `docs/console/SCREEN-FORM.png`.

Run by hand against a server that has something to show, with the address, a password, the browser and the folder in the environment.
"""

import os

from playwright.sync_api import sync_playwright

CONSOLE = os.environ["GWANMUN_CONSOLE"]
PASSWORD = os.environ["GWANMUN_PASSWORD"]
FOLDER = os.environ["GWANMUN_PICTURES"]
FORMS = {
    "light": {"locale": "en-GB", "viewport": {"width": 1360, "height": 850}},
    "dark": {"locale": "en-GB", "viewport": {"width": 1360, "height": 850}, "color_scheme": "dark"},
    "korean": {"locale": "ko-KR", "viewport": {"width": 1360, "height": 850}},
    "phone": {"locale": "en-GB", "viewport": {"width": 390, "height": 844}},
}


def ask(page):
    page.locator("#question").fill("What is the capital of France?")
    page.locator("#question").press("Enter")
    page.locator("#export:enabled").wait_for(timeout=180_000)


def main():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["GWANMUN_TEST_BROWSER"], args=["--no-sandbox", "--disable-gpu"])
        for form, settings in FORMS.items():
            context = browser.new_context(**settings)
            page = context.new_page()
            page.goto(f"{CONSOLE}/sign-in")
            page.screenshot(path=f"{FOLDER}/sign-in-{form}.png")
            page.locator("input[name=name]").fill("owner")
            page.locator("input[name=password]").fill(PASSWORD)
            page.locator("main button.main").click()
            page.locator(".side nav").wait_for()
            for screen in [link.get_attribute("href") for link in page.locator(".side nav a").all()]:
                page.goto(CONSOLE + screen)
                if screen == "/chat":
                    ask(page)
                page.screenshot(path=f"{FOLDER}/{screen.strip('/')}-{form}.png", full_page=form == "light")
            context.close()
        browser.close()


main()
