// The chat: keeps the conversation in this page alone, shows answers as they come. What a model says is only ever put in as text.

const box = document.getElementById("chat");
const FILE_BYTES_MAX = 256 * 1024;

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
    article.scrollIntoView({ block: "end" });
    return { article, head, text, foot };
  };
  const tag = (into, text, kind = "") => {
    const span = document.createElement("span");
    span.className = `tag ${kind}`;
    span.textContent = text;
    into.append(span, " ");
  };

  const answer = async (pane, signal) => {
    const model = pane.model.value;
    const shown = turn(pane, "machine", model);
    shown.text.textContent = say("thinking");
    shown.article.setAttribute("aria-busy", "true");
    const facts = { model, text: "", ended: "" };
    const show = () => shown.text.replaceChildren(written(facts.text));
    const refuse = (text) => {
      const told = document.createElement("p");
      told.className = "told bad";
      told.setAttribute("role", "alert");
      told.textContent = text;
      if (facts.text === "") shown.text.replaceChildren(told);
      else shown.text.append(told);
      facts.ended = "broken";
    };
    try {
      const response = await fetch("/chat/ask", {
        method: "POST",
        headers: { "content-type": "application/json", "x-form-token": document.body.dataset.formToken },
        body: JSON.stringify({ model, messages: pane.said }),
        signal,
        redirect: "manual",
      });
      if (response.type === "opaqueredirect") return refuse(say("signed-out"));
      const head = (name) => response.headers.get(`x-gwanmun-${name}`);
      facts.destination = head("destination");
      facts.entry = head("entry");
      facts.label = head("label");
      facts.review = head("review");
      facts.degraded = head("degraded");
      facts.class = head("class");
      if (facts.destination) tag(shown.foot, say("answered-by", { destination: facts.destination }));
      if (facts.degraded) tag(shown.foot, say("degraded"), "warn");
      if (facts.class) tag(shown.foot, say("class", { class: facts.class }));
      if (facts.entry) tag(shown.foot, say("entry", { entry: facts.entry }));
      if (facts.review) tag(shown.foot, say("review", { who: facts.review }), "warn");
      if (!(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
        const refused = await response.json().catch(() => undefined);
        return refuse(say("unanswered", { why: refused?.error?.message ?? response.statusText }));
      }
      shown.text.replaceChildren();
      for await (const data of events(response.body)) {
        if (data === "[DONE]") {
          facts.ended ||= "whole";
          break;
        }
        const event = JSON.parse(data);
        if (event.error) {
          refuse(say("broken-off", { why: event.error.message }));
          break;
        }
        const choice = event.choices?.[0];
        const piece = choice?.delta?.content ?? choice?.delta?.refusal;
        if (piece) {
          facts.text += piece;
          show();
          shown.article.scrollIntoView({ block: "end" });
        }
        if (choice?.finish_reason === "length") tag(shown.foot, say("length"), "warn");
        if (choice?.finish_reason === "content_filter") tag(shown.foot, say("filtered"), "warn");
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
      } else refuse(say("broken-off", { why: error.message }));
    } finally {
      shown.article.removeAttribute("aria-busy");
      tag(shown.foot, facts.label ?? say("machine-wrote"));
      shown.article.scrollIntoView({ block: "end" });
      if (facts.text !== "") pane.said.push({ role: "assistant", content: facts.text });
      else pane.said.pop();
      pane.told.push(facts);
      element("export").disabled = false;
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
    running = new AbortController();
    send.disabled = true;
    stop.hidden = false;
    await Promise.all(asked.map((pane) => answer(pane, running.signal)));
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
          const mark = [fact.label ?? say("machine-wrote"), fact.model, where, fact.entry && say("entry", { entry: fact.entry })];
          lines.push(`## ${fact.model}`, "", fact.text, "", `> ${mark.filter(Boolean).join(" · ")}`, "");
        }
      }
    }
    return lines.join("\n");
  };

  const fresh = () => {
    running?.abort();
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
    // While an input method composes a syllable, Enter belongs to it.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
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
    panes[1].section.hidden = panes[1].model.value === "";
    // The second begins where the two part: with nothing said.
    panes[1].said = [];
  });
};

if (box) begin();
