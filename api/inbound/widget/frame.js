// The chat inside its frame. What people and we wrote is only ever text here, never markup.
"use strict";
(() => {
  const one = (name) => document.querySelector(`[data-${name}]`);
  const words = JSON.parse(document.body.dataset.words), language = document.body.dataset.language;
  const said = one("said"), scroller = document.querySelector("main"), problem = one("problem"), writing = one("writing"), soFar = one("so-far");
  const forms = { ask: one("ask"), "sign-in": one("sign-in"), code: one("code") };
  const waiting = new Map(), shown = new Set();
  // A stream says at once how things stand, and something every fifteen seconds; where nothing comes, a proxy holds it back.
  const BEGINS_MS = 8000, SILENT_MS = 40000, POLLS_MS = 3000, POLLS_FOR_MS = 300000;
  let visit = null, after = 0, isSignedIn = false, pause = 0, pollsUntil = 0;
  try {
    const token = sessionStorage.getItem("bedrock-visit");
    if (token) visit = Promise.resolve(token);
  } catch { /* a browser that keeps nothing for guests: this page's own memory does */ }

  const tell = (text) => { problem.textContent = text || ""; problem.hidden = !text; };
  const show = (name) => { for (const [key, form] of Object.entries(forms)) form.hidden = key !== name; forms[name].querySelector("input,textarea").focus(); };

  async function begin() {
    const begun = await fetch("/widget/visits", { method: "POST" });
    if (!begun.ok) throw new Error(String(begun.status));
    const { token } = await begun.json();
    after = 0;
    try { sessionStorage.setItem("bedrock-visit", token); } catch { /* as above */ }
    return token;
  }

  async function call(path, fields) {
    for (let tries = 0; ; tries++) {
      // Whoever writes before the page listens has begun the same visit: of two visits one would be answered and the other be read.
      const mine = (visit ??= begin());
      let token;
      try { token = await mine; } catch (why) { if (visit === mine) visit = null; throw why; }
      const headers = { Authorization: `Bearer ${token}` };
      const answer = await fetch(`/widget/${path}`, fields ? { method: "POST", headers, body: new URLSearchParams(fields) } : { headers });
      if (answer.status !== 403 || tries) return answer;
      if (visit === mine) visit = null; // of another installation, or older than its secret
    }
  }

  // Said again after a network was lost, it is the same message: its number says so.
  function add(message) {
    if (shown.has(message.id)) return;
    shown.add(message.id); after = Math.max(after, message.id);
    if (message.is_ours) { soFar.hidden = true; soFar.textContent = ""; }
    const mine = !message.is_ours && [...waiting].find(([, line]) => line.textContent === message.words);
    if (mine) { mine[1].classList.remove("waits"); waiting.delete(mine[0]); return; }
    const line = document.createElement("li");
    line.className = message.is_ours ? "ours" : "theirs";
    line.textContent = message.words;
    // Whatever is not yet known to have arrived stays below.
    said.insertBefore(line, message.is_ours ? null : (waiting.values().next().value || null));
  }

  function signedIn(now) {
    if (now && !isSignedIn) one("who").textContent = words.signed_in;
    isSignedIn = now; one("begin-sign-in").hidden = now;
  }

  // Of an answer that is being made: what may be read already, whole each time, so that what was missed is made good.
  function stand(now) {
    signedIn(now.is_signed_in);
    if (soFar.textContent !== now.so_far) soFar.textContent = now.so_far;
    soFar.hidden = !now.so_far; writing.hidden = !now.waits;
  }

  const heard = { said: add, now: stand };
  function take(block) {
    const fields = { event: "", data: "" };
    for (const line of block.split(/\r?\n/)) { const [, name, value] = /^(\w+): ?(.*)$/s.exec(line) || []; if (name) fields[name] = value; }
    if (!(fields.event in heard)) return;
    heard[fields.event](JSON.parse(fields.data));
    scroller.scrollTop = scroller.scrollHeight;
  }

  async function follow() {
    const answer = await call(`live?after=${after}`);
    if (answer.status === 429) { pollsUntil = Date.now() + POLLS_FOR_MS; return; }
    if (!answer.ok) throw new Error(String(answer.status));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let kept = "", hasBegun = false, timer;
    try {
      for (;;) {
        const silence = new Promise((go) => { timer = setTimeout(go, hasBegun ? SILENT_MS : BEGINS_MS, null); });
        const next = await Promise.race([reader.read(), silence]);
        clearTimeout(timer);
        if (next === null && !hasBegun) pollsUntil = Date.now() + POLLS_FOR_MS;
        if (next === null || next.done) return;
        const blocks = (kept + next.value).split(/\r?\n\r?\n/);
        kept = blocks.pop(); hasBegun = true; pause = 0;
        blocks.forEach(take);
      }
    } finally { clearTimeout(timer); reader.cancel().catch(() => {}); }
  }

  async function poll() {
    const answer = await call(`messages?after=${after}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.json();
    const last = after;
    found.messages.forEach(add); stand(found); pause = POLLS_MS;
    if (after !== last) scroller.scrollTop = scroller.scrollHeight;
  }

  async function listen() {
    for (;;) {
      try { await (Date.now() < pollsUntil ? poll() : follow()); } catch { pause = Math.min(pause ? pause * 2 : 1000, 30000); }
      await new Promise((go) => setTimeout(go, Math.max(pause, 300)));
    }
  }

  async function say(text, key = crypto.randomUUID()) {
    const line = document.createElement("li");
    line.className = "theirs waits"; line.textContent = text;
    said.append(line); waiting.set(key, line); scroller.scrollTop = scroller.scrollHeight; tell();
    try {
      const answer = await call("messages", { key, words: text });
      if (answer.status === 429) throw words.too_much;
      if (answer.status === 422) throw words.too_long;
      if (!answer.ok) throw words.away;
      line.classList.remove("waits");
      // Digits of a code are not kept, so what comes back may read otherwise: the number says that it is this one.
      const kept = answer.status === 201 ? (await answer.json()).id : 0;
      if (kept && shown.has(kept) && waiting.has(key)) line.remove();
      if (kept) { shown.add(kept); waiting.delete(key); }
      return true;
    } catch (why) {
      line.remove(); waiting.delete(key); tell(typeof why === "string" ? why : words.away);
      return false;
    }
  }

  forms.ask.addEventListener("submit", async (event) => {
    event.preventDefault();
    const box = forms.ask.elements.words, text = box.value.trim();
    if (!text) return;
    box.value = "";
    if (!(await say(text)) && !box.value) box.value = text; // nothing that somebody typed is lost
    box.focus();
  });
  forms.ask.elements.words.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); forms.ask.requestSubmit(); }
  });
  forms["sign-in"].addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await call("sign-in", { address: forms["sign-in"].elements.address.value, language });
      if (!answer.ok) throw answer.status === 429 ? words.too_much : words.away;
      show("code"); tell(words.sent);
    } catch (why) { tell(typeof why === "string" ? why : words.away); }
  });
  forms.code.addEventListener("submit", async (event) => {
    event.preventDefault();
    const box = forms.code.elements.digits;
    try {
      const answer = await call("code", { digits: box.value });
      if (!answer.ok) throw words.away;
      box.value = "";
      if (!(await answer.json()).is_right) throw words.wrong;
      signedIn(true); show("ask"); tell();
    } catch (why) { tell(typeof why === "string" ? why : words.away); }
  });
  for (const back of document.querySelectorAll("[data-back]")) back.addEventListener("click", () => { show("ask"); tell(); });
  one("begin-sign-in").addEventListener("click", () => { show("sign-in"); tell(); });
  one("person").addEventListener("click", () => say("PERSON"));
  if (window.parent !== window) {
    one("close").hidden = false;
    one("close").addEventListener("click", () => window.parent.postMessage("bedrock:close", "*"));
  }
  listen();
})();
