"""Draws each docs/pictures/floor*.svg from its JSON, the figures of `cargo xtask bench floor`.

The JSON is `{"title": …, "groups": [{"name": …, "bars": [[label, ours, llama.cpp], …]}, …]}`, tokens a second. Each
group has a scale of its own. Usage, at the repository's root: python3 crates/local_model_cpu/testdata/draw_floor.py
"""

import json
from html import escape
from pathlib import Path

PICTURES = Path(__file__).resolve().parents[3] / "docs/pictures"
WIDTH, LEFT, RIGHT, BAR, GAP = 760, 230, 110, 11, 10
OURS, THEIRS = "#1f5fbf", "#b9b9b9"


def main(figures):
    told = json.loads(figures.read_text(encoding="utf-8"))
    lines, y = [], 30

    def text(x, at, words, size=12, anchor="start", weight="normal"):
        lines.append(f'<text x="{x}" y="{at}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}">'
                     f"{escape(words)}</text>")

    def bar(at, value, most, colour, words):
        length = (WIDTH - LEFT - RIGHT) * value / most
        lines.append(f'<rect x="{LEFT}" y="{at}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>')
        text(LEFT + length + 5, at + BAR - 1.5, words, 10)

    text(10, y, told["title"], 14, weight="bold")
    for x, colour, words in [(10, OURS, "ours"), (70, THEIRS, "llama.cpp")]:
        lines.append(f'<rect x="{x}" y="{y + 12}" width="10" height="10" fill="{colour}"/>')
        text(x + 14, y + 21, words, 11)
    y += 46
    for group in told["groups"]:
        text(10, y, group["name"], 12, weight="bold")
        y += 10
        most = max(max(ours, theirs) for _, ours, theirs in group["bars"])
        for label, ours, theirs in group["bars"]:
            text(LEFT - 8, y + BAR + 3, label, 11, "end")
            bar(y, ours, most, OURS, f"{ours:,.1f}  ({ours / theirs:.2f} ×)")
            bar(y + BAR + 1, theirs, most, THEIRS, f"{theirs:,.1f}")
            y += 2 * BAR + GAP
        y += 16
    picture = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" '
               'font-family="sans-serif">\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
               + "\n".join(lines) + "\n</svg>\n")
    figures.with_suffix(".svg").write_text(picture, encoding="utf-8")


for path in PICTURES.glob("floor*.json"):
    main(path)
