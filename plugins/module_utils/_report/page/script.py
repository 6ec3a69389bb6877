# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page does beyond being read: tooltips, downloads, tables that sort and filter. PRIVATE, can break at any time.

Nothing of a ledger stands in the script, and the page allows no other one by its digest.
"""

from __future__ import annotations

import base64
import hashlib

SCRIPT = """
"use strict";
const words = document.querySelector("main").dataset;
const tip = document.getElementById("tip");

// --- tooltips: by the pointer, and by the arrow keys in a figure that has the focus ---
function show(mark) {
  document.querySelectorAll(".chosen").forEach((one) => one.classList.remove("chosen"));
  tip.classList.toggle("visible", Boolean(mark));
  if (!mark) return;
  mark.classList.add("chosen");
  tip.textContent = mark.dataset.tip;
  const at = mark.getBoundingClientRect();
  const left = Math.min(at.left + at.width / 2 + 12, document.documentElement.clientWidth - tip.offsetWidth - 8);
  const above = at.top - tip.offsetHeight - 8;
  tip.style.left = scrollX + Math.max(8, left) + "px";
  tip.style.top = scrollY + (above > 8 ? above : at.bottom + 8) + "px";
}
for (const title of document.querySelectorAll(".plot svg title")) {
  title.parentNode.dataset.tip = title.textContent;
  title.remove();
}
for (const plot of document.querySelectorAll(".plot")) {
  const marks = [...plot.querySelectorAll("[data-tip]")];
  plot.addEventListener("pointerover", (event) => show(event.target.closest("[data-tip]")));
  plot.addEventListener("pointerleave", () => show(null));
  if (!marks.length) continue;
  let chosen = -1;
  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", plot.parentNode.querySelector("h2, h3").textContent + ". " + words.steps);
  plot.addEventListener("blur", () => show(null));
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") show(null);
    if (!step) return;
    event.preventDefault();
    chosen = (Math.max(chosen, step < 0 ? 0 : -1) + step + marks.length) % marks.length;
    show(marks[chosen]);
  });
}

// --- downloads: of the drawing in the page, so that a page that was mailed has them, too ---
function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
function drawing(name) {
  const svg = document.querySelector("#figure-" + name + " svg").cloneNode(true);
  for (const mark of svg.querySelectorAll("[data-tip]")) {
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = mark.dataset.tip;
    mark.append(title);
    delete mark.dataset.tip;
    mark.classList.remove("chosen");
  }
  return new XMLSerializer().serializeToString(svg);
}
function png(name) {
  const image = new Image();
  const scale = 3;
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = image.width * scale;
    canvas.height = image.height * scale;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(name + ".png", blob), "image/png");
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(drawing(name));
}
for (const link of document.querySelectorAll("[data-svg]")) {
  const name = link.dataset.svg;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    save(name + ".svg", new Blob([drawing(name)], { type: "image/svg+xml" }));
  });
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "PNG";
  button.setAttribute("aria-label", link.getAttribute("aria-label").replace(/SVG$/, "PNG"));
  button.addEventListener("click", () => png(name));
  link.after(" ", button);
}

// --- tables ---
function key(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.order ?? cell.textContent.trim();
  const number = Number(text);
  return text === "" || text === "-" ? null : Number.isNaN(number) ? text : number;
}
function compare(one, other) {
  if (one === null || other === null) return (one === null) - (other === null);
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), document.documentElement.lang, { numeric: true });
}
function sort(table, column, head) {
  const descending = head.getAttribute("aria-sort") === "ascending";
  for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
  // What is missing stays below.
  rows.sort(([one], [other]) => (descending && one !== null && other !== null ? compare(other, one) : compare(one, other)));
  table.tBodies[0].append(...rows.map(([, row]) => row));
}
function filter(table, text, told) {
  const wanted = text.toLowerCase().split(/\\s+/).filter(Boolean);
  const rows = [...table.tBodies[0].rows];
  for (const row of rows) {
    const said = row.textContent.toLowerCase();
    row.hidden = !wanted.every((word) => said.includes(word));
  }
  const left = rows.filter((row) => !row.hidden).length;
  told.textContent = wanted.length ? words.rows.replace("{shown}", left).replace("{rows}", rows.length) : "";
}
for (const table of document.querySelectorAll("table")) {
  if (!table.tHead || table.tBodies[0].rows.length < 2) continue;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (head.classList.contains("logs")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, column, head));
    head.append(button);
  });
  const input = document.createElement("input");
  const told = document.createElement("span");
  const box = document.createElement("p");
  input.type = "search";
  input.placeholder = words.filter;
  input.setAttribute("aria-label", words.filter + ": " + table.getAttribute("aria-label"));
  told.setAttribute("role", "status");
  input.addEventListener("input", () => filter(table, input.value, told));
  box.className = "filter";
  box.append(input, " ", told);
  table.parentNode.before(box);
}
"""

DIGEST = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
# Nothing is fetched: the page works from a mail attachment, and what a ledger says cannot call out, nor run.
POLICY = f"default-src 'none'; script-src 'sha256-{DIGEST}'; style-src 'unsafe-inline'; img-src data:"
