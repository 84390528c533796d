// Put on a page of the operator's site:  <script src="https://care.isp.example/widget/widget.js" async></script>
// Opens our chat in a frame of its own. Nothing of the page is read, and nothing is kept in its site's storage.
"use strict";
(() => {
  const from = new URL(document.currentScript.src);
  const language = (document.currentScript.dataset.language || document.documentElement.lang || navigator.language || "en").slice(0, 2);
  const button = document.createElement("button"), frame = document.createElement("iframe");
  const styled = (element, styles) => Object.assign(element.style, styles);
  // Drawn, because not every machine has the letter for it.
  function bubble() {
    const drawn = (name, attributes) => Object.entries(attributes).reduce((element, [key, value]) => (element.setAttribute(key, value), element),
      document.createElementNS("http://www.w3.org/2000/svg", name));
    const picture = drawn("svg", { viewBox: "0 0 24 24", width: "26", height: "26", fill: "currentColor", "aria-hidden": "true" });
    picture.append(drawn("path", { d: "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2h-9l-5 4v-4H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z" }));
    return picture;
  }
  button.type = "button";
  button.append(bubble());
  button.setAttribute("aria-label", document.currentScript.dataset.label || "Chat");
  button.setAttribute("aria-expanded", "false");
  styled(button, { position: "fixed", right: "20px", bottom: "20px", width: "56px", height: "56px", borderRadius: "50%", border: "0", display: "grid", placeItems: "center",
    background: "#0b6b4f", color: "#fff", boxShadow: "0 4px 16px rgb(0 0 0 / .25)", cursor: "pointer", zIndex: "2147483000" });
  frame.title = button.getAttribute("aria-label");
  styled(frame, { position: "fixed", right: "20px", bottom: "88px", width: "min(380px, calc(100vw - 40px))", height: "min(600px, calc(100vh - 120px))",
    border: "0", borderRadius: "16px", boxShadow: "0 8px 40px rgb(0 0 0 / .3)", display: "none", zIndex: "2147483000", colorScheme: "auto" });

  function shown(isOpen) {
    // A page that nobody chats on loads nothing of ours but this script.
    if (isOpen && !frame.src) frame.src = `${from.origin}/widget/frame?language=${encodeURIComponent(language)}`;
    const fills = isOpen && window.innerWidth < 520;
    styled(frame, { display: isOpen ? "block" : "none", right: fills ? "0" : "20px", bottom: fills ? "0" : "88px", borderRadius: fills ? "0" : "16px",
      width: fills ? "100vw" : "min(380px, calc(100vw - 40px))", height: fills ? "100dvh" : "min(600px, calc(100vh - 120px))" });
    button.style.display = fills ? "none" : "grid";
    button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) button.focus();
  }
  button.addEventListener("click", () => shown(frame.style.display === "none"));
  window.addEventListener("message", (event) => {
    if (event.source === frame.contentWindow && event.origin === from.origin && event.data === "bedrock:close") shown(false);
  });
  document.body.append(button, frame);
})();
