// What every page gets: parts that follow what happens, times in the reader's own zone, small comforts. Pages read well without it.

document.documentElement.classList.add("scripted");

const zone = (root) => {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = form.format(at);
  }
};

// Where this page can be asked for: what answered a form stands at the form's address, and is asked for at its own.
const here = () => (location.pathname === document.body.dataset.path ? location.href : document.body.dataset.path);

// Takes the parts named from a page that was asked for anew, and puts them where they stand on this one.
export const renew = async (parts, url = here(), wishes = {}) => {
  const answer = await fetch(url, { credentials: "same-origin", ...wishes });
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") return location.reload();
  if (!answer.ok && answer.status !== 422) return undefined;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const next = fresh.getElementById(part.id);
    if (!next || next.innerHTML === part.dataset.was) continue;
    const was = next.innerHTML;
    // What somebody is writing in is left alone until they have gone from it.
    if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) continue;
    next.querySelectorAll("script").forEach((script) => script.remove());
    // Whoever has reached a button by keyboard stays on it.
    const at = part.contains(document.activeElement) ? document.activeElement.outerHTML : undefined;
    part.replaceChildren(...next.childNodes);
    if (at) [...part.querySelectorAll("a, button, summary")].find((it) => it.outerHTML === at)?.focus({ preventScroll: true });
    part.dataset.was = was;
    zone(part);
    part.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
  }
  return answer;
};

// What can be followed, as `live.rs` names it.
const topics = ["availability", "drills", "models", "requests"];

const follow = () => {
  const parts = [...document.querySelectorAll("[data-live][id]")];
  if (parts.length === 0 || !document.body.dataset.formToken) return;
  let due = new Set();
  let asking = false;
  const ask = async () => {
    if (asking || due.size === 0) return;
    asking = true;
    const changed = due;
    due = new Set();
    try {
      const followed = parts.filter((part) => part.dataset.live.split(" ").some((topic) => changed.has(topic)));
      // Nobody is there because of this: whoever has gone away is signed out all the same.
      await renew(followed, location.href, { headers: { "x-follows": "1" } });
    } finally {
      asking = false;
      setTimeout(ask, 500);
    }
  };
  const events = new EventSource("/live");
  for (const topic of topics) {
    events.addEventListener(topic, () => {
      due.add(topic);
      ask();
    });
  }
  // After a break everything may have changed.
  let opened = false;
  events.addEventListener("open", () => {
    if (opened) topics.forEach((topic) => due.add(topic));
    opened = true;
    ask();
  });
  addEventListener("pagehide", () => events.close());
};

addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

addEventListener("submit", (event) => {
  const asks = event.target.dataset.asks;
  if (asks && !confirm(asks)) event.preventDefault();
});

addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
  button.dataset.done = "";
});

zone(document);
follow();
