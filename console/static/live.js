// Regions that say which changes concern them are fetched again when one is committed. No model's words ever run here: text is text.
(() => {
  const regions = () => [...document.querySelectorAll("[data-live]")];
  const pending = new Map();
  const refresh = async (region) => {
    const answer = await fetch(region.dataset.live, { headers: { "X-Region": "1" }, credentials: "same-origin" });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) return;
    const html = await answer.text();
    // What someone is typing is not swept away.
    if (region.contains(document.activeElement) && document.activeElement.matches("input, textarea")) return;
    if (region.innerHTML !== html) region.innerHTML = html;
  };
  const soon = (region) => {
    if (pending.has(region)) return;
    pending.set(region, setTimeout(() => { pending.delete(region); refresh(region); }, 120));
  };
  if (!regions().length) return;
  const source = new EventSource("/live");
  source.addEventListener("change", (event) => {
    const topics = event.data.split(",");
    for (const region of regions()) if (topics.includes("everything") || region.dataset.topics.split(" ").some((topic) => topics.includes(topic))) soon(region);
  });
  source.addEventListener("open", () => regions().forEach(soon));
})();
