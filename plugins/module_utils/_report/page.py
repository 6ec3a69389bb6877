# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page around a report: style and script. A Python string, because only .py files travel with a module. PRIVATE."""

from __future__ import annotations

# Nothing is fetched: the page works from a mail attachment, and what a ledger says cannot call out.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"

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
@media (prefers-color-scheme: dark) { :root { --ground: #12161b; --card: #1a2027; --ink: #e7ebef; --soft: #9ba6b2;
  --line: #2b323b; --accent: #4aa8e0; --shadow: none; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI",
  Roboto, "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 44px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0; letter-spacing: -0.015em; }
h2 { font-size: 20px; margin: 52px 0 14px; letter-spacing: -0.01em; }
h3 { font-size: 15px; margin: 0 0 2px; }
p { margin: 0 0 10px; max-width: 78ch; }
.soft, header p, figcaption, footer { color: var(--soft); font-size: 14px; }
.answer { margin: 24px 0 0; padding: 22px 26px; background: var(--card); border: 1px solid var(--line);
  border-left: 5px solid var(--accent); border-radius: 10px; box-shadow: var(--shadow); }
.answer p { font-size: 20px; line-height: 1.5; margin: 0; max-width: none; text-wrap: pretty; }
.answer p + p { margin-top: 12px; }
.answer b { font-weight: 600; color: var(--accent); }
.answer strong { font-weight: 650; }
.whole { white-space: nowrap; }
.keys { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 14px 0 0; }
.keys div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 13px 16px; }
.keys dt { color: var(--soft); font-size: 13px; }
.keys dd { margin: 2px 0 0; font-size: 23px; font-weight: 600; letter-spacing: -0.01em; line-height: 1.25; }
.keys small { display: block; font-size: 13px; font-weight: 400; color: var(--soft); letter-spacing: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 18px; }
figure { margin: 0; min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 18px 14px; box-shadow: var(--shadow); display: flex; flex-direction: column; }
figure:last-child:nth-child(odd) { grid-column: 1 / -1; }
figcaption { margin-top: auto; padding-top: 8px; font-size: 13px; line-height: 1.45; }
.plot { width: 100%; min-height: 120px; }
.plot svg { display: block; max-width: 100%; height: auto; overflow: visible; }
.plot svg > rect { fill: none; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 8px 9px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; font-size: 12.5px; line-height: 1.35; vertical-align: bottom; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; }
td { white-space: nowrap; }
.pairs td { white-space: normal; }
tr.best td { font-weight: 600; background: color-mix(in srgb, var(--accent) 9%, transparent); }
.pairs td { overflow-wrap: anywhere; }
.pairs td:first-child { color: var(--soft); width: 30%; white-space: nowrap; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 18px;
  align-items: start; }
td.why { white-space: normal; min-width: 240px; overflow-wrap: anywhere; }
a { color: var(--accent); }
code { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer { padding-top: 36px; padding-bottom: 48px; }
#vg-tooltip-element { position: fixed; visibility: hidden; background: var(--card); color: var(--ink);
  font: 13px system-ui; border: 1px solid var(--line); border-radius: 6px; padding: 7px 10px;
  box-shadow: 0 3px 14px rgb(0 0 0 / 22%); z-index: 9; }
#vg-tooltip-element.visible { visibility: visible; }
#vg-tooltip-element td { border: 0; padding: 1px 6px 1px 0; }
#vg-tooltip-element td.key { color: var(--soft); }
@media (max-width: 600px) { main, header, footer { padding-left: 14px; padding-right: 14px; }
  header { padding-top: 26px; } h1 { font-size: 25px; } .answer { padding: 16px; } .answer p { font-size: 17px; }
  figure { padding: 14px 10px 12px; } .keys { grid-template-columns: 1fr 1fr; } .keys dd { font-size: 19px; }
  .pairs td:first-child { white-space: normal; } }
@media print { body { background: #fff; font-size: 12px; } main, header, footer { max-width: none; padding: 0; }
  figure, .answer, tr { break-inside: avoid; box-shadow: none; } h2 { break-after: avoid; margin-top: 26px; }
  .scroll { overflow: visible; } table { font-size: 10.5px; } th, td { padding: 4px 6px; }
  .figures { grid-template-columns: 1fr 1fr; } }
"""

# Static drawings stand in the page; where scripts run, each is replaced by the same figure with tooltips.
SCRIPT = """
const figures = JSON.parse(document.getElementById("figure-data").textContent);
const options = { ast: true, renderer: "svg", actions: false, tooltip: { disableDefaultStyle: true } };
for (const [name, spec] of Object.entries(figures)) {
  const place = document.getElementById("figure-" + name);
  const drawing = place.innerHTML;
  vegaEmbed(place, spec, options).then(
    () => { place.dataset.live = "true"; },
    (error) => { place.innerHTML = drawing; console.error(error); },
  );
}
"""

# Jinja's autoescape is on: whatever a ledger says is text. Only drawings, style and scripts are ours and go in as they are.
PAGE = """
{%- macro table(table, name, heads=true) -%}
<div class="scroll{{ '' if heads else ' pairs' }}"><table id="{{ name }}">
{%- if heads %}<thead><tr>
{%- for head in table.heads %}<th{% if loop.index0 in table.numeric %} class="number"{% endif %}>{{ head }}</th>{% endfor -%}
</tr></thead>{% endif %}<tbody>
{%- for row in table.rows %}<tr{% if loop.index0 in table.best %} class="best"{% endif %}>
{%- for value in row %}{% set column = table.columns[loop.index0] %}
{%- if column == "logs" and value.startswith("logs/") %}<td><a href="{{ value | quoted }}/"><code>{{ value }}</code></a></td>
{%- else %}<td{% if loop.index0 in table.numeric %} class="number"
{%- elif column in ("why", "last_reason") %} class="why"{% endif %}>{{ value }}</td>{% endif %}
{%- endfor %}</tr>{% endfor -%}
</tbody></table></div>
{%- endmacro -%}
<!doctype html>
<html lang="{{ say.code }}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy | safe }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style | safe }}</style>
</head>
<body>
<header><h1>{{ title }}</h1><p>{{ subtitle }}</p></header>
<main><section class="answer" id="answer">
{%- for group, first, rest in answers %}<p>{% if group %}<b>{{ group }}</b> {% endif -%}
<strong>{{ first | unbroken }}</strong>{{ rest | unbroken }}</p>{% else %}<p>{{ sentence }}</p>{% endfor -%}
</section><dl class="keys">
{%- for what, much, of in keys %}<div><dt>{{ what }}</dt><dd>{{ much }}<small>{{ of }}</small></dd></div>{% endfor -%}
</dl>
{%- if figures %}<h2>{{ say("figures") }}</h2><div class="figures">
{%- for figure in figures %}<figure><h3>{{ figure.title }}</h3>
{#- #}<div class="plot" id="figure-{{ figure.name }}">{{ drawings[figure.name] | safe }}</div>
{#- #}<figcaption>{{ figure.caption }}</figcaption></figure>{% endfor -%}
</div>{% endif %}
{%- for title, name, rows in lists %}<h2>{{ title }}</h2>{{ table(rows, name) }}{% endfor -%}
<h2>{{ say("method_heading") }}</h2>{% for paragraph in method %}<p>{{ paragraph }}</p>{% endfor -%}
<div class="two"><div><h3>{{ say("design_heading") }}</h3>{{ table(facts, "method", heads=false) }}</div>
{#- #}<div><h3>{{ say("provenance_heading") }}</h3>{{ table(origin, "provenance", heads=false) }}</div></div></main>
{#- #}<footer>{{ say("footer") }} <a href="cells.csv">cells.csv</a>,
<a href="runs.csv">runs.csv</a>, <a href="report.md">report.md</a>, figures/*.svg.</footer>
<script type="application/json" id="figure-data">{{ data | safe }}</script>
<script>{{ bundle | safe }}</script>
<script>{{ script | safe }}</script>
</body>
</html>
"""


def dark_rules() -> str:
    rules = "".join(
        f'.plot svg [{kind}="{light}"] {{ {kind}: {dark}; }}'
        for light, dark in DARK.items()
        for kind in ("fill", "stroke")
    )
    return f"@media screen and (prefers-color-scheme: dark) {{ {rules} }}"
