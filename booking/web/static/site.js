// Makes better what already works without it. Each part is asked for by a data- attribute.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("has-script");
  const announcer = document.getElementById("announcer");
  const announce = (text) => { if (announcer && text) announcer.textContent = text; };
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // An error summary is read first.
  document.querySelector("[data-focus]")?.focus();

  // Forms: confirm, then send once
  // data-confirm="dialog-id": the native dialog asks; its button with value="confirm" sends.
  // data-repeat: the form may be sent again at once (a download).
  const confirmed = new WeakSet();
  const guarded = new Map();
  const written = (form) => new URLSearchParams([...new FormData(form)].map(([k, v]) => [k, v.name ?? v])).toString();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog") return;
    if ("dismiss" in form.dataset) {
      // Put away for good, and the page stays as it is.
      event.preventDefault();
      fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
      const rest = form.closest("aside");
      form.closest(".banner").remove();
      if (!rest.children.length) rest.remove();
      document.getElementById("main").focus({ preventScroll: true });
      return;
    }
    const dialog = form.dataset.confirm && document.getElementById(form.dataset.confirm);
    if (dialog?.showModal && !confirmed.has(form)) {
      event.preventDefault();
      const submitter = event.submitter;
      dialog.returnValue = "";
      dialog.addEventListener("close", () => {
        if (dialog.returnValue !== "confirm") return;
        confirmed.add(form);
        form.requestSubmit(submitter);
      }, { once: true });
      dialog.showModal();
      return;
    }
    confirmed.delete(form);
    if (form.dataset.sending) { event.preventDefault(); return; }
    guarded.delete(form);
    if ("repeat" in form.dataset) return;
    form.dataset.sending = "yes";
    // Only after the browser has gathered the form: a disabled button would not be sent along.
    event.submitter?.setAttribute("aria-disabled", "true");
    setTimeout(() => release(form), 8000);
  });

  const release = (form) => {
    delete form.dataset.sending;
    all("[aria-disabled]", form).forEach((button) => button.removeAttribute("aria-disabled"));
  };
  // Coming back, the browser may show this page as it was left: sending.
  addEventListener("pageshow", (event) => { if (event.persisted) all("form[data-sending]").forEach(release); });

  // form[data-guard]: leaving with unsaved changes asks first
  all("form[data-guard]").forEach((form) => guarded.set(form, written(form)));
  addEventListener("beforeunload", (event) => {
    for (const [form, before] of guarded) if (form.isConnected && written(form) !== before) event.preventDefault();
  });

  // [data-autosubmit], on a control or around several: a choice takes effect at once
  // By keyboard the value changes with every arrow, so then it waits until the field is left.
  let lastKey = 0;
  document.addEventListener("keydown", (event) => { if (event.key !== "Enter") lastKey = event.timeStamp; }, true);
  document.addEventListener("change", (event) => {
    const control = event.target.closest("[data-autosubmit]");
    const form = event.target.form;
    if (!control || !form) return;
    const send = () => form.requestSubmit();
    if (event.timeStamp - lastKey > 400) send();
    else if (!control.dataset.waiting) {
      control.dataset.waiting = "yes";
      control.addEventListener("focusout", (left) => { if (!control.contains(left.relatedTarget)) send(); });
    }
  });

  // Presses: copy, show a password, dismiss a message
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button, a");
    if (!button) return;
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
    if ("copy" in button.dataset) {
      // data-copy="text" or data-copy="#id of what to copy"
      const given = button.dataset.copy;
      const source = given.startsWith("#") && document.querySelector(given);
      const text = source ? (source.value ?? source.textContent).trim() : given;
      try {
        await navigator.clipboard.writeText(text);
        announce("Copied");
        const before = button.dataset.label ??= button.textContent;
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = before; }, 2500);
      } catch {
        if (source) getSelection().selectAllChildren(source);
        announce("Not copied. Select the text and press Ctrl and C.");
      }
    }
    if (button.dataset.reveal) {
      const input = document.getElementById(button.dataset.reveal);
      const show = input.type === "password";
      input.type = show ? "text" : "password";
      button.firstChild.textContent = show ? "Hide" : "Show";
      input.focus();
    }
  });
  all("[data-dismissible]").forEach((message) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "flash-close", textContent: "Dismiss" });
    button.onclick = () => message.remove();
    message.append(button);
  });

  // [data-from], [data-until]: said in the reader's own zone too, where that is not data-zone
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  all("[data-from]").forEach((each) => {
    const { from, until, zone } = each.dataset;
    const shape = { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "numeric", minute: "2-digit", hour12: true };
    const say = (more) => {
      const format = new Intl.DateTimeFormat("en-GB", { ...shape, ...more });
      return until ? format.formatRange(new Date(from), new Date(until)) : format.format(new Date(from));
    };
    if (say({ timeZone: own }) === say({ timeZone: zone })) return;
    const said = document.createElement("span");
    said.className = "own-zone";
    said.textContent = ` (for you ${say({ timeZone: own, timeZoneName: "short" })})`;
    each.append(said);
  });

  // details[data-menu]: closes on Escape and on a press elsewhere
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    all("details[data-menu][open]").forEach((menu) => {
      const within = menu.contains(document.activeElement);
      menu.open = false;
      if (within) menu.querySelector("summary").focus();
    });
  });
  document.addEventListener("click", (event) => {
    all("details[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  // input[data-strength="id"]: how good a new password is, by length and variety
  document.addEventListener("input", (event) => {
    const box = event.target.dataset.strength && document.getElementById(event.target.dataset.strength);
    if (!box) return;
    const text = event.target.value;
    const least = Number(event.target.dataset.minimum) || 12;
    const missing = least - text.length;
    const varied = new Set(text.toLowerCase()).size >= least * 0.6;
    const score = !text ? 0 : missing > 0 ? 1 : !varied ? 2 : missing > -4 ? 3 : 4;
    box.querySelector("meter").value = score;
    box.querySelector("span").textContent = [
      `At least ${least} characters`,
      `${missing} more ${missing === 1 ? "character" : "characters"}`,
      "Too repetitive: add different words",
      "Good",
      "Strong",
    ][score];
  });

  // [data-refresh="url"]: swaps in fresh HTML while it holds a [data-running]
  // data-refresh-seconds: how often (3). The text of [data-announce] inside is read out when it changed, at most each 15 s.
  all("[data-refresh]").forEach((box) => {
    const every = (Number(box.dataset.refreshSeconds) || 3) * 1000;
    let wait = every, heard = box.querySelector("[data-announce]")?.textContent.trim(), heardAt = 0;
    const running = () => box.matches("[data-running]") || box.querySelector("[data-running]");
    const busy = () => document.hidden || box.querySelector("dialog[open], input:focus, select:focus, textarea:focus");
    const tick = async () => {
      if (!running()) return;
      if (!busy()) {
        try {
          const answer = await fetch(box.dataset.refresh, { headers: { "X-Partial": "1" }, credentials: "same-origin" });
          if (answer.redirected || answer.status === 401 || answer.status === 403) { location.reload(); return; }
          if (!answer.ok) throw new Error(answer.status);
          swap(await answer.text());
          wait = every;
        } catch { wait = Math.min(wait * 2, 60000); }
      }
      setTimeout(tick, wait);
    };
    const swap = (html) => {
      const focused = box.contains(document.activeElement) && document.activeElement.id;
      const open = all("details[open][id]", box).map((each) => each.id);
      box.innerHTML = html;
      if (!box.querySelector("[data-running]")) box.removeAttribute("data-running");
      open.forEach((id) => { const each = document.getElementById(id); if (each) each.open = true; });
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      const said = box.querySelector("[data-announce]")?.textContent.trim();
      if (said && said !== heard && (!running() || Date.now() - heardAt > 15000)) {
        announce(said);
        heard = said;
        heardAt = Date.now();
      }
    };
    setTimeout(tick, wait);
  });

  // iframe[data-card-field="origin"]: the payment processor's own field for a card
  // What this frame posts from that origin, and nothing else, is a token for payment_token of its form. Pressed before the
  // token has come, the button waits for it a little.
  all("iframe[data-card-field]").forEach((frame) => {
    const form = frame.closest("form"), token = form.elements.payment_token, said = form.querySelector("[data-card-said]");
    const say = (text, wrong) => { said.textContent = text; said.className = wrong ? "error" : "hint"; };
    let waiting = null;
    form.addEventListener("submit", (event) => {
      if (token.value) return;
      event.preventDefault();
      event.stopPropagation();
      clearTimeout(waiting?.timer);
      const timer = setTimeout(() => {
        waiting = null;
        say("Type the card’s number, month and security code first.", true);
      }, 3000);
      waiting = { timer, submitter: event.submitter };
    });
    addEventListener("message", (event) => {
      if (event.origin !== frame.dataset.cardField || event.source !== frame.contentWindow) return;
      let card = {};
      try { card = JSON.parse(event.data) ?? {}; } catch { /* not about a card */ }
      const given = card.token || card.message;
      const wrong = card.validationError || card.errorMessage;
      if (!given && !wrong) return;
      token.value = given && !wrong ? [given, card.expiry].filter(Boolean).join("/") : "";
      say(wrong ? `${wrong}` : "The card is ready.", Boolean(wrong));
      if (!waiting) return;
      clearTimeout(waiting.timer);
      if (token.value) form.requestSubmit(waiting.submitter);
      waiting = null;
    });
  });
})();
