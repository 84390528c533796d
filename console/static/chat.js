// Staff chat: sends what is typed, and adds what is said as it is committed. Everything comes drawn and escaped from the house; nothing of it runs.
(() => {
  const chat = document.getElementById("chat");
  const form = document.querySelector("[data-ask]");
  if (!chat || !form) return;
  const said = chat.querySelector("[data-said]"), step = chat.querySelector("[data-step]"), problem = form.querySelector("[data-problem]");
  const words = form.elements.words, button = form.querySelector("button");
  const down = () => window.scrollTo({ top: document.documentElement.scrollHeight });
  const source = new EventSource(`/chat/live?after=${encodeURIComponent(chat.dataset.after)}`);
  source.addEventListener("said", (event) => {
    if (document.getElementById(`m${event.lastEventId}`)) return;
    chat.querySelector("[data-empty]")?.remove();
    said.insertAdjacentHTML("beforeend", event.data);
    down();
  });
  source.addEventListener("step", (event) => {
    step.hidden = !event.data;
    step.textContent = event.data;
    if (event.data) down();
  });
  const send = async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      const answer = await fetch("/chat", { method: "POST", body: new FormData(form), headers: { "X-Form-Token": chat.dataset.token }, credentials: "same-origin" });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail || "That could not be sent.");
      words.value = "";
      form.elements.key.value = crypto.randomUUID ? crypto.randomUUID() : form.elements.key.value.replace(/[0-9a-f]/g, () => (crypto.getRandomValues(new Uint8Array(1))[0] & 15).toString(16));
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      button.disabled = false;
      words.focus();
    }
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); if (words.value.trim()) send(); });
  words.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
  });
  down();
})();
