"use strict";
(() => {
  // Step through the rows of a list by keys; tell `chosen` which row it is.
  function stepping(box, rows, chosen) {
    let at = -1;
    function go(to) {
      if (!rows.length) return;
      const next = Math.max(0, Math.min(rows.length - 1, to));
      if (at >= 0) { rows[at].classList.remove("now"); rows[at].removeAttribute("aria-current"); }
      at = next;
      rows[at].classList.add("now");
      rows[at].setAttribute("aria-current", "step");
      rows[at].scrollIntoView({ block: "nearest" });
      chosen(rows[at], at);
    }
    box.addEventListener("keydown", (event) => {
      const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1,
        PageDown: at + 10, PageUp: at - 10, Home: 0, End: rows.length - 1 }[event.key];
      if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest(".sources")) return;
      event.preventDefault();
      go(to);
    });
    return { by: (step) => go(at + step), to: (row) => go(rows.indexOf(row)) };
  }

  for (const part of document.querySelectorAll("[data-schedule]")) {
    const rows = [...part.querySelectorAll(".step")];
    const said = part.querySelector("output");
    let lit = null;
    const steps = stepping(part, rows, (row, at) => {
      if (lit) lit.classList.remove("lit");
      lit = row.dataset.line ? document.getElementById(row.dataset.line) : null;
      if (lit) {
        lit.classList.add("lit");
        const sources = lit.closest(".sources");
        if (sources.scrollHeight > sources.clientHeight) {
          const place = lit.getBoundingClientRect(), frame = sources.getBoundingClientRect();
          if (place.top < frame.top || place.bottom > frame.bottom) sources.scrollTop += place.top - frame.top - frame.height / 3;
        }
      }
      said.textContent = `${at + 1} of ${rows.length}: ${row.dataset.said}`;
    });
    const bar = part.querySelector(".stepper");
    bar.hidden = false;
    for (const button of bar.querySelectorAll("[data-step]"))
      button.addEventListener("click", () => steps.by(Number(button.dataset.step)));
    for (const row of rows) {
      row.addEventListener("click", () => steps.to(row));
      const line = row.dataset.line && document.getElementById(row.dataset.line);
      if (line) line.classList.add("ran");
    }
  }

  for (const box of document.querySelectorAll(".strips")) stepping(box, [...box.querySelectorAll(".row")], () => {});

  const take = document.getElementById("take"), figures = document.getElementById("figures");
  async function unpacked() {
    if (figures.type === "application/json") return new Blob([figures.textContent], { type: "application/json" });
    const bytes = Uint8Array.from(atob(figures.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Blob([await new Response(stream).blob()], { type: "application/json" });
  }
  if (take && figures) {
    take.hidden = false;
    take.addEventListener("click", async () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await unpacked());
      link.download = "concurrency-lab.json";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }

  // A link into what is folded unfolds it, and so does printing.
  function unfold() {
    let at = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  }
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details")) one.open = true; });
})();
