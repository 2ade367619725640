"use strict";
// Everything that files, file names or the daemon say is set as text, never as markup.

const byId = (id) => document.getElementById(id);
let token = sessionStorage.getItem("nasd-token") || "";
let running = null;

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

function say(text, bad = false) {
  const note = byId("note");
  note.textContent = text;
  note.classList.toggle("bad", bad);
}

function place(where) {
  const parts = [];
  if (where.page !== null) parts.push(`page ${where.page}`);
  if (where.slide !== null) parts.push(`slide ${where.slide}`);
  if (where.sheet !== null) parts.push(`sheet ${where.sheet}`);
  if (where.line_start !== null) {
    const last = where.line_end !== null && where.line_end !== where.line_start ? `–${where.line_end}` : "";
    parts.push(`line ${where.line_start}${last}`);
  }
  if (where.heading) parts.push(where.heading);
  return parts.join(" · ");
}

// Ranges count code points; JavaScript strings count UTF-16 units.
function marked(text, ranges) {
  const points = Array.from(text);
  const fragment = document.createDocumentFragment();
  let at = 0;
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (start < at || end > points.length) continue;
    fragment.append(points.slice(at, start).join(""));
    fragment.append(make("mark", "", points.slice(start, end).join("")));
    at = end;
  }
  fragment.append(points.slice(at).join(""));
  return fragment;
}

function heading(number, file, passage) {
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  return make(
    "header", "",
    make("b", "", `${number}  ${file.title || name}`),
    make("span", "place", place(passage.place)),
  );
}

function where(file) {
  return make("div", "where", `${file.volume}: ${file.path}`);
}

function copies(found) {
  if (!found.copies) return [];
  const title = found.also.map((one) => `${one.file.volume}: ${one.file.path}`).join("\n");
  const line = make("div", "where", found.copies === 1 ? "also in 1 more place" : `also in ${found.copies} more places`);
  line.title = title;
  return [line];
}

function hit(found) {
  return make(
    "article", "", heading(`${found.rank}.`, found.file, found.passage), where(found.file),
    make("p", "", marked(found.passage.text, found.highlights)), ...copies(found),
  );
}

function citation(cited) {
  return make(
    "article", "", heading(`[${cited.n}]`, cited.file, cited.passage), where(cited.file),
    make("blockquote", "", cited.quote),
  );
}

async function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
  if (response.ok) return response;
  let problem = null;
  try { problem = await response.json(); } catch { /* not a problem document */ }
  if (response.status === 401 || response.status === 403) {
    byId("token-box").open = true;
    byId("token").focus();
  }
  const words = problem ? [problem.detail, problem.cure].filter(Boolean).join(" ") : `Status ${response.status}`;
  throw new Error(words);
}

function coverage(counts) {
  return counts.pending > 0 ? ` ${counts.pending} files are still being read.` : "";
}

async function search(text, signal) {
  const reply = await (await post("/api/v1/search", { query: text }, signal)).json();
  byId("results").replaceChildren(...reply.hits.map(hit));
  const count = reply.hits.length === 1 ? "1 passage" : `${reply.hits.length} passages`;
  say(`${count} in ${Math.round(reply.took_ms)} ms. ${reply.notes.join(" ")}${coverage(reply.coverage)}`);
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += value;
    let end;
    while ((end = held.indexOf("\n\n")) >= 0) {
      const event = { type: "message", data: "" };
      for (const line of held.slice(0, end).split("\n")) {
        if (line.startsWith("event: ")) event.type = line.slice(7);
        if (line.startsWith("data: ")) event.data += line.slice(6);
      }
      held = held.slice(end + 2);
      if (event.data) yield { type: event.type, data: JSON.parse(event.data) };
    }
  }
}

async function ask(text, signal) {
  const response = await post("/api/v1/ask", { question: text, stream: true }, signal);
  const box = make("div", "answer");
  byId("answer").replaceChildren(box);
  let finished = false;
  for await (const { type, data } of events(response)) {
    if (type === "token") box.append(data.text);
    if (type === "error") throw new Error(data.detail);
    if (type === "done") {
      finished = true;
      box.textContent = data.answer;
      const cards = data.abstained ? data.nearest.map(hit) : data.citations.map(citation);
      byId("results").replaceChildren(...cards);
      say(`${data.answerer}, ${(data.took_ms / 1000).toFixed(1)} s.${coverage(data.coverage)}`);
    }
  }
  if (!finished) throw new Error("The answer broke off.");
}

async function start(what) {
  const text = byId("text").value.trim();
  if (!text) return;
  if (running) running.abort();
  const mine = (running = new AbortController());
  byId("answer").replaceChildren();
  byId("results").replaceChildren();
  say("…");
  try {
    await what(text, mine.signal);
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, true);
  }
}

byId("query").addEventListener("submit", (event) => {
  event.preventDefault();
  start(search);
});
byId("ask").addEventListener("click", () => start(ask));
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  sessionStorage.setItem("nasd-token", token);
  byId("token").value = "";
  byId("token-box").open = false;
  say(token ? "The token is used from now on." : "No token is used.");
});
