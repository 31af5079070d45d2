// The chat: keeps the conversation in this page alone, shows answers as they come. What a model says is only ever put in as text.

const box = document.getElementById("chat");
const FILE_BYTES_MAX = 256 * 1024;
// What the gate reads of one question, with all that was said before it.
const ASKED_BYTES_MAX = 4 * 1024 * 1024;
// The label of the policies that come with the gate: readers get it in their own language. Another one is the organisation's own words.
const AI_LABEL = "ai-generated";
// The gate's words for why nothing answers, and ours. What has none is told as it came.
const REFUSALS = {
  not_permitted: "not-permitted",
  context_length_exceeded: "too-long",
  request_too_large: "too-long",
  model_not_found: "no-model",
  rate_limit_exceeded: "limit",
  insufficient_quota: "limit",
  server_busy: "busy",
  server_stopping: "busy",
  outage: "outage",
  no_destination: "outage",
  upstream_failed: "outage",
  upstream_timeout: "outage",
  withdrawn: "withdrawn",
};

// A small part of Markdown, made of elements and text nodes: nothing a model writes is ever read as HTML, and nothing is fetched.
const inline = (text, into) => {
  const marks = /(`[^`\n]+`)|(\*\*[^*\n]+\*\*)|(\*[^*\s][^*\n]*\*)/g;
  let at = 0;
  for (const found of text.matchAll(marks)) {
    into.append(text.slice(at, found.index));
    const name = found[1] ? "code" : found[2] ? "strong" : "em";
    const piece = document.createElement(name);
    piece.textContent = found[0].slice(found[2] ? 2 : 1, found[2] ? -2 : -1);
    into.append(piece);
    at = found.index + found[0].length;
  }
  into.append(text.slice(at));
};

export const written = (text) => {
  const root = document.createDocumentFragment();
  const lines = text.split("\n");
  const add = (name, content) => {
    const element = document.createElement(name);
    inline(content, element);
    root.append(element);
    return element;
  };
  let list = null;
  let paragraph = null;
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i];
    const fence = line.match(/^\s*```/);
    const heading = line.match(/^(#{1,6})\s+(.*)/);
    const item = line.match(/^\s*(?:[-*+]|(\d+)[.)])\s+(.*)/);
    if (fence) {
      const code = [];
      for (i += 1; i < lines.length && !/^\s*```/.test(lines[i]); i += 1) code.push(lines[i]);
      const pre = document.createElement("pre");
      const inner = document.createElement("code");
      inner.textContent = code.join("\n");
      pre.append(inner);
      root.append(pre);
      list = paragraph = null;
    } else if (heading) {
      const title = add("p", heading[2]);
      title.className = "heading";
      list = paragraph = null;
    } else if (item) {
      const name = item[1] ? "ol" : "ul";
      if (!list || list.localName !== name) {
        list = document.createElement(name);
        if (item[1]) list.start = Number(item[1]);
        root.append(list);
      }
      const entry = document.createElement("li");
      inline(item[2], entry);
      list.append(entry);
      paragraph = null;
    } else if (line.trim() === "") {
      paragraph = null;
      list = null;
    } else if (paragraph) {
      paragraph.append("\n");
      inline(line, paragraph);
    } else {
      list = null;
      paragraph = add("p", line);
    }
  }
  return root;
};

// The events of a stream, and the remarks between them.
const events = async function* (body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += done ? "\n\n" : value;
    let end;
    while ((end = rest.indexOf("\n\n")) >= 0) {
      const block = rest.slice(0, end);
      rest = rest.slice(end + 2);
      const data = block.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (data) yield data;
    }
    if (done) return;
  }
};

const begin = () => {
  const words = JSON.parse(box.dataset.words);
  const say = (name, with_ = {}) => Object.entries(with_).reduce((text, [key, value]) => text.replaceAll(`%${key}%`, value), words[name]);
  const element = (id) => document.getElementById(id);
  const [question, form, send, stop, file, files] = ["question", "ask", "send", "stop", "file", "files"].map(element);
  const panes = [1, 2].map((number) => ({
    model: element(`model-${number}`),
    section: element(`pane-${number}`),
    turns: element(`pane-${number}`).querySelector(".turns"),
    said: [],
    told: [],
  }));
  let given = [];
  let running = null;

  const turn = (pane, kind, who) => {
    const article = document.createElement("article");
    article.className = `turn ${kind}`;
    const head = document.createElement("h2");
    head.textContent = who;
    const text = document.createElement("div");
    text.className = "words";
    const foot = document.createElement("p");
    foot.className = "foot small soft";
    article.append(head, text, foot);
    pane.turns.append(article);
    pane.turns.scrollTop = pane.turns.scrollHeight;
    return { article, head, text, foot };
  };
  const tag = (into, text, kind = "") => {
    const span = document.createElement("span");
    span.className = `tag ${kind}`;
    span.textContent = text;
    into.append(span, " ");
  };

  const atEnd = ({ turns }) => turns.scrollHeight - turns.scrollTop - turns.clientHeight < 64;
  // At most once a frame, whatever comes; who has scrolled up to read stays there.
  const shower = (pane, shown, facts) => {
    let frame = 0;
    const show = () => {
      frame = 0;
      const below = atEnd(pane);
      shown.text.replaceChildren(written(facts.text));
      if (below) pane.turns.scrollTop = pane.turns.scrollHeight;
    };
    return {
      soon: () => (frame ||= requestAnimationFrame(show)),
      now: () => {
        if (frame === 0) return;
        cancelAnimationFrame(frame);
        show();
      },
    };
  };

  // What became of an answer, where it is not whole: beside it here, and in what is exported.
  const ends = { stopped: "stopped", broken: "broken", length: "length", filtered: "filtered" };
  const labelOf = (facts) =>
    (facts.label ?? AI_LABEL).split(", ").map((label) => (label === AI_LABEL ? say("machine-wrote") : label)).join(" · ");
  const classOf = (facts) => facts.class && say("class", { class: words[`class-${facts.class}`] ?? facts.class });
  const reviewOf = (facts) => facts.review && (facts.review === "human" ? say("review-human") : say("review", { who: facts.review }));

  const answer = async (pane, signal) => {
    // These are this conversation's: a new one that is begun meanwhile has its own.
    const { said, told } = pane;
    const model = pane.model.value;
    const shown = turn(pane, "machine", model);
    shown.text.textContent = say("thinking");
    shown.article.setAttribute("aria-busy", "true");
    const facts = { model, text: "", ended: "" };
    const show = shower(pane, shown, facts);
    const refuse = (text, detail, rule) => {
      show.now();
      const why = document.createElement("p");
      why.className = "told bad";
      why.setAttribute("role", "alert");
      why.textContent = text;
      if (rule) tag(shown.foot, say("rule", { rule }), "bad");
      if (detail) {
        const small = document.createElement("span");
        small.className = "small soft detail";
        small.lang = "en";
        small.textContent = detail;
        why.append(" ", small);
      }
      if (facts.text === "") shown.text.replaceChildren(why);
      else shown.text.append(why);
      facts.ended = "broken";
    };
    const unanswered = (error, rule) => {
      const known = REFUSALS[error?.code];
      if (known) refuse(say(`refused-${known}`), error.message, rule);
      else refuse(say("unanswered", { why: error?.message ?? "" }), undefined, rule);
    };
    try {
      const body = JSON.stringify({ model, messages: said });
      if (new Blob([body]).size > ASKED_BYTES_MAX) return refuse(say("refused-too-long"));
      const response = await fetch("/chat/ask", {
        method: "POST",
        headers: { "content-type": "application/json", "x-form-token": document.body.dataset.formToken },
        body,
        signal,
        redirect: "manual",
      });
      if (response.type === "opaqueredirect") return refuse(say("signed-out"));
      const head = (name) => response.headers.get(`x-gwanmun-${name}`);
      for (const name of ["destination", "entry", "label", "review", "degraded", "class"]) facts[name] = head(name);
      if (facts.destination) tag(shown.foot, say("answered-by", { destination: facts.destination }));
      if (facts.degraded) tag(shown.foot, say("degraded"), "warn");
      if (facts.class) tag(shown.foot, classOf(facts));
      if (facts.entry) tag(shown.foot, say("entry", { entry: facts.entry }));
      if (facts.review) tag(shown.foot, reviewOf(facts), "warn");
      const type = response.headers.get("content-type") ?? "";
      if (type.startsWith("text/html")) {
        // The console itself refused, on a page in the reader's language: its words alone are shown.
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        return refuse(page.querySelector("main .lead")?.textContent ?? say("unanswered", { why: "" }));
      }
      if (!type.startsWith("text/event-stream")) {
        const refused = await response.json().catch(() => undefined);
        return unanswered(refused?.error ?? { message: response.statusText }, head("rule"));
      }
      shown.text.replaceChildren();
      for await (const data of events(response.body)) {
        if (data === "[DONE]") {
          facts.ended ||= "whole";
          break;
        }
        const event = JSON.parse(data);
        if (event.error) {
          refuse(say("broken-off", { why: "" }), event.error.message);
          break;
        }
        const choice = event.choices?.[0];
        const piece = choice?.delta?.content ?? choice?.delta?.refusal;
        if (piece) {
          facts.text += piece;
          show.soon();
        }
        const cut = { length: "length", content_filter: "filtered" }[choice?.finish_reason];
        if (cut) {
          facts.ended = cut;
          tag(shown.foot, say(cut), "warn");
        }
        if (event.gwanmun?.seam_at !== undefined) {
          facts.destinations = event.gwanmun.destinations;
          tag(shown.foot, say("handed-over", { destinations: facts.destinations.join(" → "), at: event.gwanmun.seam_at }), "warn");
        }
        // Where the floor went on with another's answer, only the stream's end can say so.
        if (event.gwanmun?.degraded && !facts.degraded) {
          facts.degraded = event.gwanmun.degraded;
          tag(shown.foot, say("degraded"), "warn");
        }
      }
      if (facts.ended === "") refuse(say("broken-off", { why: "" }));
    } catch (error) {
      if (signal.aborted) {
        tag(shown.foot, say("stopped"), "warn");
        facts.ended = "stopped";
      } else refuse(say("broken-off", { why: "" }), error.message);
    } finally {
      show.now();
      shown.article.removeAttribute("aria-busy");
      const below = atEnd(pane);
      tag(shown.foot, labelOf(facts));
      if (below) pane.turns.scrollTop = pane.turns.scrollHeight;
      if (facts.text !== "") said.push({ role: "assistant", content: facts.text });
      else said.pop();
      told.push(facts);
      if (pane.told === told) element("export").disabled = false;
    }
  };

  const ask = async () => {
    const text = [question.value.trim(), ...given.map(({ name, text }) => `\n\n--- ${name} ---\n${text}`)].join("");
    if (running || question.value.trim() === "") return;
    const asked = panes.filter((pane) => pane.model.value !== "");
    for (const pane of asked) {
      pane.said.push({ role: "user", content: text });
      pane.told.push({ you: text });
      const shown = turn(pane, "person", say("you"));
      shown.text.append(written(question.value.trim()));
      for (const { name } of given) tag(shown.foot, say("file-given", { name }));
    }
    question.value = "";
    given = [];
    files.replaceChildren();
    const own = new AbortController();
    running = own;
    send.disabled = true;
    stop.hidden = false;
    await Promise.all(asked.map((pane) => answer(pane, own.signal)));
    // A new conversation may have begun meanwhile, and asked.
    if (running !== own) return;
    running = null;
    send.disabled = false;
    stop.hidden = true;
    question.focus();
  };

  const take = async (chosen) => {
    for (const one of chosen) {
      const told = document.createElement("li");
      if (one.size > FILE_BYTES_MAX) told.textContent = say("file-too-long", { name: one.name });
      else {
        try {
          const text = new TextDecoder("utf-8", { fatal: true }).decode(await one.arrayBuffer());
          if (text.includes("\0")) throw new TypeError();
          const entry = { name: one.name, text };
          given.push(entry);
          told.textContent = one.name;
          const away = document.createElement("button");
          away.type = "button";
          away.className = "quiet";
          away.textContent = say("file-remove");
          away.addEventListener("click", () => {
            given = given.filter((other) => other !== entry);
            told.remove();
          });
          told.append(" ", away);
        } catch {
          told.textContent = say("file-not-text", { name: one.name });
        }
      }
      files.append(told);
    }
    file.value = "";
  };

  // What leaves this page says of each answer that a machine wrote it, which one, and where the proof is.
  const exported = () => {
    const lines = [`# ${say("export-title")}`, "", new Date().toISOString(), ""];
    for (const pane of panes.filter((pane) => pane.told.length > 0)) {
      for (const fact of pane.told) {
        if (fact.you !== undefined) lines.push(`## ${say("you")}`, "", fact.you, "");
        else {
          const where = fact.destinations?.join(" → ") ?? fact.destination;
          const mark = [
            labelOf(fact),
            fact.model,
            where,
            fact.degraded && say("degraded"),
            classOf(fact),
            fact.entry && say("entry", { entry: fact.entry }),
            reviewOf(fact),
            ends[fact.ended] && say(ends[fact.ended]),
          ];
          lines.push(`## ${fact.model}`, "", fact.text, "", `> ${mark.filter(Boolean).join(" · ")}`, "");
        }
      }
    }
    return lines.join("\n");
  };

  const fresh = () => {
    running?.abort();
    running = null;
    send.disabled = false;
    stop.hidden = true;
    for (const pane of panes) {
      pane.said = [];
      pane.told = [];
      pane.turns.replaceChildren();
    }
    element("export").disabled = true;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  question.addEventListener("keydown", (event) => {
    // While an input method composes a syllable, Enter belongs to it; WebKit says so by the key's number alone.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      ask();
    }
  });
  stop.addEventListener("click", () => running?.abort());
  file.addEventListener("change", () => take([...file.files]));
  element("new").addEventListener("click", fresh);
  element("export").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([exported()], { type: "text/markdown" }));
    link.download = "gwanmun.md";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  panes[1].model.addEventListener("change", () => {
    // What was said stays, whichever model goes on with it: each answer names its own.
    panes[1].section.hidden = panes[1].model.value === "";
  });
};

if (box) begin();
