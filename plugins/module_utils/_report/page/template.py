# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as a Jinja template: complete without its script. PRIVATE, can break at any time."""

from __future__ import annotations

# Jinja's autoescape is on: whatever a ledger says is text. Only drawings, style and script are ours and go in as they are.
PAGE = """
{%- macro table(table, name, title, heads=true) -%}
<div class="scroll{{ '' if heads else ' pairs' }}" role="region" aria-label="{{ title }}" tabindex="0">
{#- #}<table id="{{ name }}" aria-label="{{ title }}">
{%- if heads %}<thead><tr>
{%- for head in table.heads %}<th scope="col"{% if loop.index0 in table.numeric %} class="number"{% endif %}>{{ head }}</th>{% endfor -%}
{%- if table.logs %}<th scope="col" class="logs">{{ say("column_logs") }}</th>{% endif -%}
</tr></thead>{% endif %}<tbody>
{%- for row in table.rows %}{% set number = loop.index0 %}<tr{% if number in table.best %} class="best"{% endif %}>
{%- for value in row %}{% set column = table.columns[loop.index0] %}
{%- if column == "logs" and value.startswith("logs/") %}<td><a href="{{ value | quoted }}/"><code>{{ value }}</code></a></td>
{%- elif not heads and loop.first %}<th scope="row">{{ value }}</th>
{%- else %}<td{% if loop.index0 in table.numeric %} class="number"
{%- elif column in ("why", "last_reason") %} class="why"
{%- elif column in ("claim", "measured", "place", "against", "cause") %} class="wrap"
{%- elif column in long %} class="wrap long"{% endif -%}
{%- if column in table.order %} data-order="{{ table.order[column][number] | blank }}"{% endif -%}
>{{ (value | unbroken) if column in long else value }}</td>{% endif %}
{%- endfor %}{% if table.logs %}<td class="logs">{{ links(table.logs[number]) }}</td>{% endif %}</tr>{% endfor -%}
</tbody></table></div>
{%- endmacro -%}
{%- macro links(runs) -%}
{%- for run in runs[:most_logs] %}<a href="{{ run.log | quoted }}/">{{ run.block }}</a> {% endfor -%}
{%- if runs | length > most_logs %}{{ say("more_logs", n=runs | length - most_logs) }}{% endif -%}
{%- endmacro -%}
{%- macro picture(figure, level=3) -%}
<figure><h{{ level }}>{{ figure.title }}</h{{ level }}>
{#- #}<div class="plot" id="figure-{{ figure.name }}">{{ drawings[figure.name] | safe }}</div>
{#- #}<figcaption>{{ figure.caption }}
{#- #}<p class="files"><a href="figures/{{ figure.name }}.svg" download="{{ figure.name }}.svg" data-svg="{{ figure.name }}"
{#- #} aria-label="{{ figure.title }}, SVG">SVG</a>
{#- #}<a href="{{ figure.data }}" download aria-label="{{ figure.title }}, {{ figure.data }}">{{ figure.data }}</a></p></figcaption></figure>
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
<main data-filter="{{ say("filter") }}" data-rows="{{ say("filter_rows") }}" data-steps="{{ say("step_through") }}">
{#- #}<div class="lead{{ ' alone' if not lead }}"><div class="said"><section class="answer" id="answer" aria-label="{{ say('answer_heading') }}">
{%- for group, first, rest in answers %}<p>{% if group %}<b>{{ group }}</b> {% endif -%}
<strong>{{ first | unbroken }}</strong> {{ rest | unbroken }}</p>{% else %}<p>{{ sentence }}</p>{% endfor -%}
</section><dl class="keys">
{%- for what, much, of in keys %}<div><dt>{{ what }}</dt><dd>{{ much }}<small>{{ of }}</small></dd></div>{% endfor -%}
</dl></div>{% if lead %}{{ picture(lead, level=2) }}{% endif %}</div>
{%- for section in sections %}<h2>{{ section.title }}</h2>
{%- if section.figures %}<div class="figures">{% for figure in section.figures %}{{ picture(figure) }}{% endfor %}</div>{% endif %}
{%- if section.table %}{{ table(section.table, section.name, section.title, heads=section.heads) }}{% endif %}
{%- endfor -%}
<h2>{{ say("method_heading") }}</h2>{% for paragraph in method %}<p>{{ paragraph }}</p>{% endfor -%}
<div class="two"><div><h3>{{ say("design_heading") }}</h3>{{ table(facts, "method", say("design_heading"), heads=false) }}</div>
{#- #}<div><h3>{{ say("provenance_heading") }}</h3>{{ table(origin, "provenance", say("provenance_heading"), heads=false) }}</div></div></main>
{#- #}<footer>{{ say("footer") }} <a href="cells.csv">cells.csv</a>,
<a href="runs.csv">runs.csv</a>, <a href="answer.json">answer.json</a>, <a href="report.md">report.md</a>, figures/*.svg.</footer>
<div id="tip" role="status"></div>
<script>{{ script | safe }}</script>
</body>
</html>
"""
