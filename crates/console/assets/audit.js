// The audit log, checked in the reader's browser from what any stranger may have: the checkpoint's Ed25519 signature (C2SP signed-note),
// the root over all leaves (C2SP tlog-tiles, RFC 6962), one entry's path to it (C2SP tlog-proof). The post-quantum signature is not
// checked here: browsers cannot yet. What is not true is said, never passed over.

/** What could not be done here, and says nothing of the log: no network, a browser that lacks something. */
export class NotDone extends Error {}

/** The most entries whose leaves are fetched and hashed to the root here. */
export const LEAVES_MAX = 100000;
const TILE = 256;
const HASH = 32;

const bytes = (text) => new TextEncoder().encode(text);
const hex = (array) => [...array].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const same = (one, other) => one.length === other.length && one.every((byte, place) => byte === other[place]);
const joined = (...parts) => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((place, part) => (all.set(part, place), place + part.length), 0);
  return all;
};
const sha256 = async (data) => {
  // Browsers reckon hashes only for pages by https or on this machine.
  if (!crypto.subtle) throw new NotDone("crypto.subtle: https?");
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
};

export const fromBase64 = (text) => {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) throw new Error(`no base64: ${text.slice(0, 20)}`);
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
};

const decimal = (text) => {
  const number = Number(text);
  if (!/^(0|[1-9][0-9]*)$/.test(text ?? "") || !Number.isSafeInteger(number)) throw new Error(`no number: ${text}`);
  return number;
};

/** A signed checkpoint: what is signed, byte for byte, and by whom. */
export const parseCheckpoint = (note) => {
  const end = note.lastIndexOf("\n\n");
  if (end < 0) throw new Error("the note has no empty line before its signatures");
  const text = note.slice(0, end + 1);
  const [origin, size, root] = text.split("\n");
  const lines = note.slice(end + 2).split("\n");
  if (lines.pop() !== "" || lines.length === 0) throw new Error("the note's signatures do not end in a line break");
  const signatures = lines.map((line) => {
    const found = /^\u2014 (\S+) (\S+)$/.exec(line);
    if (!found) throw new Error("a line of the note is no signature");
    const signature = fromBase64(found[2]);
    return { name: found[1], id: signature.slice(0, 4), bytes: signature.slice(4) };
  });
  const hash = fromBase64(root ?? "");
  if (!origin || hash.length !== HASH) throw new Error("the checkpoint names no log or no root");
  return { text, origin, size: decimal(size), root: hash, signatures };
};

/** A verifier key (signed-note): its name, its id, its kind, its bytes. */
export const parseKey = async (line) => {
  const found = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(line);
  if (!found) throw new Error("a line is no verifier key");
  const data = fromBase64(found[3]);
  const id = (await sha256(joined(bytes(`${found[1]}\n`), data))).slice(0, 4);
  if (hex(id) !== found[2]) throw new Error(`the key's id is ${found[2]}, and its bytes say ${hex(id)}`);
  return { name: found[1], id, kind: data[0], key: data.slice(1) };
};

// A browser may not know Ed25519 yet: that it cannot look is no word about the signature.
const ed25519 = (key) =>
  crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]).catch((error) => {
    if (error.name === "NotSupportedError") throw new NotDone("Ed25519: NotSupportedError");
    throw error;
  });

/** Whether the log's Ed25519 key signed this checkpoint. */
export const isSigned = async (checkpoint, key) => {
  const signature = checkpoint.signatures.find((it) => it.name === key.name && same(it.id, key.id));
  if (!signature) return false;
  const imported = await ed25519(key.key);
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature.bytes, bytes(checkpoint.text));
};

export const leafHash = (entry) => sha256(joined(Uint8Array.of(0), entry));
export const nodeHash = (left, right) => sha256(joined(Uint8Array.of(1), left, right));

/** The root over these leaf hashes (RFC 6962, 2.1). */
export const rootOf = async (leaves) => {
  if (leaves.length === 0) return sha256(new Uint8Array());
  let level = leaves;
  while (level.length > 1) {
    const above = [];
    for (let place = 0; place < level.length; place += 2) {
      above.push(place + 1 < level.length ? nodeHash(level[place], level[place + 1]) : level[place]);
    }
    level = await Promise.all(above);
  }
  return level[0];
};

/** The root that a path leads to from a leaf (RFC 9162, 2.1.3.2); none where the path is too short or too long. */
export const rootOfPath = async (leaf, index, size, path) => {
  if (index >= size) return undefined;
  let [place, last, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (place % 2 === 1 || place === last) {
      hash = await nodeHash(sibling, hash);
      while (place % 2 === 0 && place !== 0) {
        place = Math.floor(place / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = await nodeHash(hash, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : undefined;
};

/** The addresses of the tiles that hold all leaf hashes of a tree, with how many each holds (C2SP tlog-tiles). */
export const leafTiles = (size) => {
  const tiles = [];
  for (let first = 0; first < size; first += TILE) {
    const width = Math.min(TILE, size - first);
    const groups = String(first / TILE);
    const digits = groups.padStart(Math.ceil(groups.length / 3) * 3, "0").match(/.{3}/g);
    const path = digits.map((group, place) => (place + 1 < digits.length ? `x${group}` : group)).join("/");
    tiles.push({ path: `/log/tile/0/${path}${width < TILE ? `.p/${width}` : ""}`, width });
  }
  return tiles;
};

/** A proof (C2SP tlog-proof): the entry, its index, its path, and the signed checkpoint. */
export const parseProof = (text) => {
  const end = text.indexOf("\n\n");
  const lines = text.slice(0, end).split("\n");
  if (end < 0 || lines.shift() !== "c2sp.org/tlog-proof@v1") throw new Error("this is no proof");
  const extra = lines[0]?.startsWith("extra ") ? fromBase64(lines.shift().slice(6)) : undefined;
  const index = lines.shift() ?? "";
  if (!index.startsWith("index ")) throw new Error("the proof has no index");
  return { entry: extra, index: decimal(index.slice(6)), path: lines.map(fromBase64), checkpoint: parseCheckpoint(text.slice(end + 2)) };
};

const fetched = async (path) => {
  const answer = await fetch(path, { credentials: "same-origin", redirect: "error" }).catch((error) => {
    throw new NotDone(`GET ${path}: ${error.message}`);
  });
  if (!answer.ok) throw new NotDone(`GET ${path}: ${answer.status}`);
  return answer;
};

const bodyOf = async (answer) => {
  try {
    return new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    throw new NotDone(error.message);
  }
};
const textOf = async (path) => new TextDecoder().decode(await bodyOf(await fetched(path)));

const leavesOf = async (size, said) => {
  const tiles = leafTiles(size);
  const leaves = [];
  // A few at once, in their order: the server reads no more than some at a time.
  for (let first = 0; first < tiles.length; first += 8) {
    const some = tiles.slice(first, first + 8);
    const read = await Promise.all(some.map(async ({ path }) => bodyOf(await fetched(path))));
    read.forEach((data, place) => {
      const { path, width } = some[place];
      if (data.length !== width * HASH) throw new Error(`${path}: ${data.length} B`);
      for (let at = 0; at < data.length; at += HASH) leaves.push(data.subarray(at, at + HASH));
    });
    said(`${leaves.length} / ${size}`);
  }
  return leaves;
};

/** Each step in its turn. `step(name, work)` runs it and tells its result: true, false, or undefined where it was not done. */
export const verify = async (entry, step) => {
  const known = {};
  await step("checkpoint", async (detail) => {
    known.checkpoint = parseCheckpoint(await textOf("/log/checkpoint"));
    detail(`${known.checkpoint.size} · ${hex(known.checkpoint.root)}`);
    return true;
  });
  await step("key", async (detail) => {
    const lines = (await textOf("/log/key.pub")).trim().split("\n");
    const keys = await Promise.all(lines.map(parseKey));
    known.key = keys.find((key) => key.kind === 1 && key.name === known.checkpoint?.origin && key.key.length === 32);
    detail(known.key ? `Ed25519 ${hex(known.key.id)} ${hex(known.key.key)}` : keys.map((key) => key.name).join(", "));
    return Boolean(known.key);
  });
  await step("signature", async () => {
    if (!known.checkpoint || !known.key) return undefined;
    return isSigned(known.checkpoint, known.key);
  });
  await step("root", async (detail) => {
    if (!known.checkpoint) return undefined;
    const { size, root } = known.checkpoint;
    if (size > LEAVES_MAX) {
      detail(`${size} > ${LEAVES_MAX}`);
      return undefined;
    }
    known.leaves = await leavesOf(size, detail);
    const worked = await rootOf(known.leaves);
    detail(`${size} → ${hex(worked)}`);
    return same(worked, root);
  });
  await step("proof", async (detail) => {
    if (entry === undefined) return undefined;
    const proof = parseProof(await textOf(`/audit/proof/${entry}`));
    const { checkpoint } = proof;
    if (!proof.entry || proof.index !== entry || checkpoint.origin !== known.checkpoint?.origin) return false;
    const leaf = await leafHash(proof.entry);
    const root = await rootOfPath(leaf, entry, checkpoint.size, proof.path);
    detail(`${entry} / ${checkpoint.size} · ${hex(leaf)}`);
    const leads = root !== undefined && same(root, checkpoint.root);
    const leafIsThere = !known.leaves?.[entry] || same(known.leaves[entry], leaf);
    return leads && leafIsThere && Boolean(known.key) && isSigned(checkpoint, known.key);
  });
  await step("witness", async (detail) => {
    // The page knows whether there is one: none is asked for in vain.
    if (document.getElementById("verification").dataset.cosigned === "0") return undefined;
    const cosigned = parseCheckpoint(await textOf("/log/cosigned"));
    detail(`${cosigned.size} · ${cosigned.signatures.map((it) => it.name).filter((name) => name !== cosigned.origin).join(", ")}`);
    if (cosigned.origin !== known.checkpoint?.origin || !known.key || !(await isSigned(cosigned, known.key))) return false;
    if (!known.leaves || cosigned.size > known.leaves.length) return undefined;
    return same(await rootOf(known.leaves.slice(0, cosigned.size)), cosigned.root);
  });
};

const show = () => {
  const part = document.getElementById("verification");
  const form = document.getElementById("verify");
  if (!form) return;
  form.hidden = false;
  const words = part.dataset;
  const verdict = document.getElementById("verdict");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    document.getElementById("checks").hidden = false;
    verdict.className = "";
    verdict.textContent = words.runs;
    for (const line of part.querySelectorAll("[data-result], [data-detail]")) line.textContent = "";
    for (const tag of part.querySelectorAll("[data-result]")) tag.className = "tag";
    const results = [];
    let prevented = false;
    const step = async (name, work) => {
      const line = part.querySelector(`[data-step="${name}"]`);
      const [tag, detail] = [line.querySelector("[data-result]"), line.querySelector("[data-detail]")];
      const say = (text) => (detail.textContent = text);
      tag.textContent = "…";
      let result;
      try {
        result = await work(say);
      } catch (error) {
        // Only what was looked at can fail to hold.
        prevented ||= error instanceof NotDone;
        result = error instanceof NotDone ? undefined : false;
        say(error.message);
      }
      results.push([name, result]);
      tag.className = `tag ${result === undefined ? "warn" : result ? "good" : "bad"}`;
      tag.textContent = result === undefined ? words.notDone : result ? words.holds : words.fails;
    };
    const asked = form.elements.entry.value.trim();
    await verify(asked === "" ? undefined : Number(asked), step);
    const failed = results.some(([, result]) => result === false);
    const missing = prevented || results.some(([name, result]) => result === undefined && name !== "witness");
    verdict.textContent = failed ? words.some : missing ? words.part : words.all;
    verdict.className = `told ${failed ? "bad" : missing ? "" : "good"}`;
    button.disabled = false;
  });
};

if (typeof document !== "undefined") show();
