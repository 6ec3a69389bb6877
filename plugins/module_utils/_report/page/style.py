# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page looks: on a desktop, a phone and paper, on light and dark ground. PRIVATE, can break at any time."""

from __future__ import annotations

# Figures are SVG in the page, so that one drawing serves both schemes: these rules repaint its colours on dark ground.
DARK = {
    "#0072b2": "#4aa8e0",
    "#d55e00": "#ff8a3d",
    "#009e73": "#2fc79b",
    "#cc79a7": "#e39ac2",
    "#a6761d": "#d8a64a",
    "#56b4e9": "#8fd0f7",
    "#7f3c8d": "#c08ad0",
    "#666666": "#a5adb8",
    "#b8b8b8": "#6b7480",
    "#e4e7eb": "#2b323b",
    "#9aa4b0": "#4d5865",
    "#3b4450": "#c3cad3",
}

STYLE = """
:root { color-scheme: light dark; --ground: #fbfbfa; --card: #ffffff; --ink: #1b222b; --soft: #5b6673; --line: #e1e5ea;
  --accent: #0072b2;
  --shadow: 0 1px 2px rgb(20 30 40 / 6%), 0 4px 16px rgb(20 30 40 / 5%); }
@media screen and (prefers-color-scheme: dark) { :root { --ground: #12161b; --card: #1a2027; --ink: #e7ebef; --soft: #9ba6b2;
  --line: #2b323b; --accent: #4aa8e0; --shadow: none; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI",
  Roboto, "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 44px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0; letter-spacing: -0.015em; }
h2 { font-size: 20px; margin: 52px 0 14px; letter-spacing: -0.01em; }
h3, figure h2 { font-size: 15px; margin: 0 0 2px; letter-spacing: 0; }
p { margin: 0 0 10px; max-width: 78ch; }
.soft, header p, figcaption, footer { color: var(--soft); font-size: 14px; }
.answer { padding: 22px 26px; background: var(--card); border: 1px solid var(--line);
  border-left: 5px solid var(--accent); border-radius: 10px; box-shadow: var(--shadow); }
.answer p { font-size: 18px; line-height: 1.5; margin: 0; max-width: none; text-wrap: pretty; }
.answer p + p { margin-top: 12px; }
.answer b { font-weight: 600; color: var(--accent); }
.answer strong { font-weight: 650; }
.whole { white-space: nowrap; }
.keys { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0; }
.keys div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 11px 14px; min-width: 0;
  overflow-wrap: anywhere; }
.keys dt { color: var(--soft); font-size: 13px; }
.keys dd { margin: 2px 0 0; font-size: 20px; font-weight: 600; letter-spacing: -0.01em; line-height: 1.25; }
.keys small { display: block; font-size: 13px; font-weight: 400; color: var(--soft); letter-spacing: 0; }
.lead { display: grid; align-items: start; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 18px; margin: 24px 0 0; }
.said { display: contents; }
.keys { order: 3; grid-column: 1 / -1; }
.lead figcaption { margin-top: 0; }
.lead.alone { grid-template-columns: 1fr; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 18px; }
.figures + .scroll, .figures + .filter { margin-top: 18px; }
figure { margin: 0; min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 18px 14px; box-shadow: var(--shadow); display: flex; flex-direction: column; }
figcaption { margin-top: auto; padding-top: 8px; font-size: 13px; line-height: 1.45; }
.files { margin: 6px 0 0; display: flex; gap: 14px; }
.files button { font: inherit; color: var(--accent); background: none; border: 0; padding: 0; text-decoration: underline;
  cursor: pointer; }
.plot { width: 100%; max-width: 560px; border-radius: 6px; }
.plot svg { display: block; width: 100%; height: auto; }
.plot svg > rect { fill: none; }
.plot svg * { pointer-events: none; }
.plot [data-tip] { pointer-events: all; }
.plot .chosen { stroke: var(--ink); stroke-width: 3px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { padding: 8px 7px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; font-size: 12.5px; line-height: 1.35; vertical-align: bottom; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; }
td { white-space: nowrap; }
.pairs td { white-space: normal; }
tr.best td { font-weight: 600; background: color-mix(in srgb, var(--accent) 9%, transparent); }
.pairs td { overflow-wrap: anywhere; }
.pairs th { border-bottom: 1px solid var(--line); vertical-align: top; width: 30%; font-size: 14px; }
.pairs tr:last-child th { border-bottom: 0; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 18px;
  align-items: start; }
td.wrap { white-space: normal; min-width: 8.5em; }
td.long { min-width: 17em; }
td.why { white-space: normal; min-width: 240px; overflow-wrap: anywhere; }

a { color: var(--accent); }
code { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer { padding-top: 36px; padding-bottom: 48px; }
#tip { position: absolute; top: 0; left: 0; visibility: hidden; background: var(--card); color: var(--ink); font-size: 13px;
  border: 1px solid var(--line); border-radius: 6px; padding: 7px 10px; box-shadow: 0 3px 14px rgb(0 0 0 / 22%); z-index: 9;
  max-width: min(340px, 90vw); pointer-events: none; }
#tip.visible { visibility: visible; }
.filter { margin: 0 0 8px; font-size: 13px; color: var(--soft); }
.filter input { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--soft); border-radius: 6px;
  padding: 5px 9px; width: min(100%, 260px); }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; text-align: inherit; cursor: pointer; }
th button::after { content: "\\a0\\2195"; }
th[aria-sort="ascending"] button::after { content: "\\a0\\2191"; }
th[aria-sort="descending"] button::after { content: "\\a0\\2193"; }
@media (max-width: 600px) { main, header, footer { padding-left: 14px; padding-right: 14px; }
  header { padding-top: 26px; } h1 { font-size: 25px; } .answer { padding: 16px; } .answer p { font-size: 17px; }
  figure { padding: 14px 10px 12px; } .keys { grid-template-columns: 1fr 1fr; } .keys dd { font-size: 19px; } }
@media screen and (max-width: 900px) { .lead { grid-template-columns: 1fr; } }
@media print, screen and (min-width: 901px) { .figures > figure:last-child:nth-child(odd) { grid-column: 1 / -1; display: grid;
  grid-template-columns: 1fr 1fr; column-gap: 36px; } figure:last-child:nth-child(odd) > h3 { grid-column: 1 / -1; }
  .figures > figure:last-child:nth-child(odd) figcaption { margin-top: 0; } }
@media print { body { background: #fff; font-size: 12px; } main, header, footer { max-width: none; padding: 0; }
  header { padding-top: 0; } figure, .answer, .keys div, tr { break-inside: avoid; box-shadow: none; }
  h2 { break-after: avoid; margin-top: 26px; } thead { display: table-header-group; }
  .lead, .figures { grid-template-columns: 1fr 1fr; } .answer { padding: 14px 16px; } .answer p { font-size: 13px; } .keys dd { font-size: 15px; }
  .keys { grid-template-columns: repeat(auto-fit, minmax(115px, 1fr)); } .keys dt, .keys small { font-size: 10px; }
  figcaption { font-size: 10px; } .scroll { overflow: visible; }
  table { font-size: 8.5px; } th { font-size: 8px; } th, td { padding: 2px 3px; } .pairs th, .pairs td { font-size: 9.5px; }
  td, td.why, td.wrap, td.long { white-space: normal; min-width: 0; } code { font-size: 8px; overflow-wrap: anywhere; }
  .filter, .files, .logs, #tip, th button::after { display: none; } }
"""


def dark_rules() -> str:
    rules = "".join(
        f'.plot svg [{kind}="{light}"] {{ {kind}: {dark}; }}'
        for light, dark in DARK.items()
        for kind in ("fill", "stroke")
    )
    return f"@media screen and (prefers-color-scheme: dark) {{ {rules} }}"
