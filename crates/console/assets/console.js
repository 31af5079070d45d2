// What every page gets: parts that follow what happens, times in the reader's own zone, small comforts. Pages read well without it.

document.documentElement.classList.add("scripted");

// What can be followed, as `live.rs` names it.
const TOPICS = ["availability", "drills", "models", "requests"];
// Figures of requests are worked out over all of a time: no more often than that, in milliseconds. All else is shown at once.
const REQUESTS_EVERY = 5000;
const ALL_EVERY = 500;

// The reader's own form of the page's language: `en-GB` where the page speaks English to a Briton.
const locale = () => navigator.languages.find((it) => it.split("-")[0] === document.documentElement.lang) ?? document.documentElement.lang;

const zoned = (root) => {
  const form = new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!time.dateTime.includes("T") || Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = form.format(at);
  }
};

// On a phone a row of a table stands as a card: each cell then says itself what its column is.
const labelled = (root) => {
  for (const table of root.querySelectorAll("table.stacks")) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) [...row.children].forEach((cell, place) => (cell.dataset.label = heads[place] ?? ""));
  }
};

// What does not scroll is no stop on the way of somebody with a keyboard.
const stops = () => {
  for (const part of document.querySelectorAll(".scrolled")) {
    if (part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
};

// Whether a pointer is down: what it was pressed on must still be there when it is let go, or it was no click.
let released = Promise.resolve();
addEventListener("pointerdown", () => {
  released = new Promise((resolve) => {
    // The click comes after the pointer is up.
    const up = () => setTimeout(resolve, 0);
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, up, { once: true });
  });
});

// Whether something old was left in its place because somebody is on it: it is renewed once they have gone.
let held = false;

// Not `node.id`: of a form with a field named so, that would be the field.
const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? (node.getAttribute("id") ?? node.dataset.key) : undefined);
const sends = (form) => [...form.querySelectorAll("input[type=hidden]")].map((it) => `${it.name}=${it.value}`).join("&");
// Whether one may become the other by being changed: nothing that does something becomes something else under somebody's finger.
const alike = (one, other) => {
  if (one.nodeType !== other.nodeType || one.localName !== other.localName) return false;
  if (one.localName === "a") return one.getAttribute("href") === other.getAttribute("href");
  if (one.localName === "form") return one.getAttribute("action") === other.getAttribute("action") && sends(one) === sends(other);
  return true;
};

const dress = (one, other) => {
  // Whether it is open is the reader's to say; whether it is a stop for the keyboard is worked out here.
  const theirs = (name) => name === "tabindex" || (name === "open" && one.localName === "details");
  for (const { name } of [...one.attributes]) if (!other.hasAttribute(name) && !theirs(name)) one.removeAttribute(name);
  for (const { name, value } of other.attributes) if (!theirs(name) && one.getAttribute(name) !== value) one.setAttribute(name, value);
};

const away = (node) => {
  if (node.contains(document.activeElement)) held = true;
  else node.remove();
};

// Gives `part` the children of `next`. What stays is not put there anew: focus stays where it is, what is open stays open, what is
// scrolled stays scrolled. Rows that come and go have a key (`data-key`, `id`), so that none becomes another.
export const become = (part, next) => {
  const wanted = [...next.childNodes];
  const keys = new Set(wanted.map(keyOf).filter(Boolean));
  for (const child of [...part.children]) if (keyOf(child) && !keys.has(keyOf(child))) away(child);
  let at = part.firstChild;
  for (const want of wanted) {
    const key = keyOf(want);
    let same;
    if (key) same = [...part.children].find((child) => keyOf(child) === key && alike(child, want));
    else if (want.nodeType !== Node.ELEMENT_NODE) same = at && alike(at, want) ? at : undefined;
    else {
      for (same = at; same && !keyOf(same) && !alike(same, want); ) same = same.nextSibling;
      if (same && keyOf(same)) same = undefined;
    }
    if (!same) {
      part.insertBefore(document.importNode(want, true), at);
      continue;
    }
    // What stands between and has no key is gone; what has one comes later.
    for (; at && at !== same && !keyOf(at); ) {
      const after = at.nextSibling;
      away(at);
      at = after;
    }
    if (at === same) at = same.nextSibling;
    else part.insertBefore(same, at);
    // What somebody is writing or choosing in is theirs until they have gone from it.
    const written = same === document.activeElement && same.matches("input, textarea, select");
    if (same.nodeType !== Node.ELEMENT_NODE) {
      if (same.data !== want.data) same.data = want.data;
    } else if (!written) {
      dress(same, want);
      become(same, want);
    }
  }
  while (at) {
    const after = at.nextSibling;
    away(at);
    at = after;
  }
};

// Where this page can be asked for: what answered a form stands at the form's address, and is asked for at its own.
const here = () => (location.pathname === document.body.dataset.path ? location.href : document.body.dataset.path);

// What each part was last made of.
const made = new WeakMap();

// Takes the parts named from a page that was asked for anew, and makes those on this one like them.
export const renew = async (parts, url = here(), wishes = {}) => {
  const answer = await fetch(url, { credentials: "same-origin", ...wishes });
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") return location.reload();
  if (!answer.ok && answer.status !== 422) return undefined;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  await released;
  for (const part of parts) {
    const next = fresh.getElementById(part.id);
    if (!next || next.innerHTML === made.get(part)) continue;
    const text = next.innerHTML;
    next.querySelectorAll("script").forEach((script) => script.remove());
    zoned(next);
    labelled(next);
    held = false;
    become(part, next);
    if (held) made.delete(part);
    else made.set(part, text);
    part.dataset.held = held ? "1" : "";
    part.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
  }
  stops();
  return answer;
};

const follow = () => {
  const parts = [...document.querySelectorAll("[data-live][id]")];
  if (parts.length === 0 || !document.body.dataset.formToken) return;
  const unfollowed = document.getElementById("unfollowed");
  const due = new Set();
  let asking = false;
  let asked = -Infinity;
  const ask = async () => {
    if (asking || document.hidden) return;
    const topics = new Set(due);
    const wait = asked + REQUESTS_EVERY - performance.now();
    if (topics.has("requests") && wait > 0) {
      topics.delete("requests");
      setTimeout(ask, wait);
    }
    if (topics.size === 0) return;
    topics.forEach((topic) => due.delete(topic));
    if (topics.has("requests")) asked = performance.now();
    asking = true;
    try {
      // Nobody is there because of this: whoever has gone away is signed out all the same.
      const wishes = { headers: { "x-follows": "1" } };
      const stale = parts.filter((part) => part.dataset.live.split(" ").some((topic) => topics.has(topic)));
      // What stands on every page is asked for where it always is: what this page asks about may be gone.
      const at = stale.every((part) => part.dataset.at) ? stale[0]?.dataset.at : here();
      if (at) await renew(stale, at, wishes);
    } catch {
      // The server does not answer: the stream says so too, and when it comes back all is asked for.
    } finally {
      asking = false;
      setTimeout(ask, ALL_EVERY);
    }
  };
  const all = () => {
    TOPICS.forEach((topic) => due.add(topic));
    ask();
  };
  // Whoever was on what is gone has left it.
  addEventListener("focusout", () => parts.some((part) => part.dataset.held) && all());

  let events;
  let lost;
  const end = () => {
    clearTimeout(lost);
    events?.close();
    events = undefined;
  };
  const begin = (again) => {
    end();
    events = new EventSource("/live");
    for (const topic of TOPICS) {
      events.addEventListener(topic, () => {
        due.add(topic);
        ask();
      });
    }
    events.addEventListener("open", () => {
      clearTimeout(lost);
      lost = undefined;
      unfollowed.hidden = true;
      // After a break everything may have changed.
      if (again) all();
      again = true;
    });
    events.addEventListener("error", () => {
      // The browser tries again by itself, unless it was refused; a short break is nobody's business.
      if (events?.readyState === EventSource.CLOSED) unfollowed.hidden = false;
      else lost ??= setTimeout(() => (unfollowed.hidden = false), 10_000);
    });
  };
  // A page that nobody looks at keeps no connection: a browser has six for all of them.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) end();
    else if (!events) begin(true);
  });
  addEventListener("pagehide", end);
  addEventListener("pageshow", (event) => event.persisted && begin(true));
  if (!document.hidden) begin(false);
};

// Times that a search asks for are the reader's own where a script can say them; without one they are in UTC.
const ownTimes = () => {
  const inputs = [...document.querySelectorAll("input[data-utc]")];
  const two = (number) => String(number).padStart(2, "0");
  for (const input of inputs) {
    const at = new Date(`${input.value}Z`);
    if (!Number.isNaN(at.getTime())) {
      const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
      input.value = `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
    }
    const label = input.closest("label").firstChild;
    label.data = label.data.replace("UTC", zoneName());
    input.form.addEventListener("formdata", (event) => {
      const chosen = new Date(input.value);
      if (!Number.isNaN(chosen.getTime())) event.formData.set(input.name, chosen.toISOString());
    });
  }
};

// The reader's zone as people name it: `GMT+9`, `CET`.
const zoneName = () => {
  const parts = new Intl.DateTimeFormat(locale(), { timeZoneName: "short" }).formatToParts(new Date());
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "UTC";
};

addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copies);
  // Only a page by https or on this machine may write to the clipboard: elsewhere the text is marked, to be copied by hand.
  const copied = await (navigator.clipboard?.writeText(source.textContent) ?? Promise.reject()).then(() => true, () => false);
  if (copied) button.dataset.done = "";
  else getSelection().selectAllChildren(source);
});

zoned(document);
labelled(document);
ownTimes();
const zone = document.getElementById("zone");
if (zone) zone.textContent = zone.textContent.replace("UTC", zoneName());
stops();
addEventListener("resize", stops);
addEventListener("toggle", stops, true);
follow();
