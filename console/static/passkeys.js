// Passkeys: asks the house what to sign, the device to sign it, and hands the answer back. Nothing is kept here.
(() => {
  const forms = [...document.querySelectorAll("form[data-passkey]")];
  const decoded = (words) => Uint8Array.from(atob(words.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const encoded = (octets) => btoa(String.fromCharCode(...new Uint8Array(octets))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const known = window.PublicKeyCredential !== undefined && !/^[\d.]+$|^\[/.test(location.hostname);
  if (!known) { document.querySelectorAll("[data-without-passkeys]").forEach((part) => { part.hidden = false; }); document.querySelectorAll(".or").forEach((part) => { part.hidden = true; }); return; }

  const posted = async (form, path, fields) => {
    const headers = form.dataset.token ? { "X-Form-Token": form.dataset.token } : {};
    const answer = await fetch(path, { method: "POST", body: new URLSearchParams(fields), headers, credentials: "same-origin" });
    const proof = answer.headers.get("X-Prove");
    if (proof !== null) { location.assign(proof + "?to=" + encodeURIComponent(location.pathname)); return new Promise(() => {}); }
    const told = (answer.headers.get("Content-Type") ?? "").includes("json") ? await answer.json() : {};
    if (!answer.ok) throw new Error(told.problem ?? told.detail ?? "That did not work. Try again.");
    return told;
  };
  const listed = (keys) => (keys ?? []).map((key) => ({ ...key, id: decoded(key.id) }));
  const made = async (options) => {
    const key = await navigator.credentials.create({ publicKey: {
      ...options, challenge: decoded(options.challenge), user: { ...options.user, id: decoded(options.user.id) }, excludeCredentials: listed(options.excludeCredentials) } });
    return { id: key.id, rawId: encoded(key.rawId), type: key.type, response: {
      clientDataJSON: encoded(key.response.clientDataJSON), attestationObject: encoded(key.response.attestationObject) } };
  };
  const shown = async (options) => {
    const key = await navigator.credentials.get({ publicKey: { ...options, challenge: decoded(options.challenge), allowCredentials: listed(options.allowCredentials) } });
    return { id: key.id, rawId: encoded(key.rawId), type: key.type, response: {
      clientDataJSON: encoded(key.response.clientDataJSON), authenticatorData: encoded(key.response.authenticatorData),
      signature: encoded(key.response.signature), userHandle: key.response.userHandle ? encoded(key.response.userHandle) : null } };
  };
  // What the person began (a ruling, say) goes on as an ordinary form, now that they have shown who they are.
  const carriedOn = (form) => { form.method = "post"; form.action = form.dataset.then; form.submit(); };
  const used = async (form) => {
    const path = form.dataset.passkey;
    const asked = await posted(form, path + "/ask", {});
    const answer = await ("new" in form.dataset ? made(asked.options) : shown(asked.options));
    const told = await posted(form, path, { ...Object.fromEntries(new FormData(form)), asked: asked.asked, answer: JSON.stringify(answer) });
    if (form.dataset.then) carriedOn(form); else location.assign(told.to);
  };
  for (const form of forms) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const problem = form.querySelector("[role=alert]"), button = form.querySelector("button");
      problem.hidden = true; button.disabled = true;
      try { await used(form); } catch (error) {
        problem.textContent = error.name === "NotAllowedError" ? "The device did not answer, or you stopped it." : error.name === "InvalidStateError" ? "This device is added already." : error.message;
        problem.hidden = false;
      } finally { button.disabled = false; }
    });
  }
})();
