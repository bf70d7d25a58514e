"""Draws boxes, words and arrows as SVG that follows a reader's light or dark theme."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

STYLE = """
  text { font: 12px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
  text { fill: #1f2328; }
  .title { font-size: 18px; font-weight: 600; }
  .name { font-weight: 600; }
  .small { font-size: 11px; fill: #59636e; }
  .middle { text-anchor: middle; }
  rect { fill: none; stroke: #d1d9e0; }
  .frame { fill: #f6f8fa; stroke: #8c959f; stroke-width: 1.5; }
  .zone { fill: none; stroke: #8c959f; stroke-dasharray: 5 4; }
  .public { fill: #fff8c5; stroke: #d4a72c; }
  .private { fill: #ddf4ff; stroke: #54aeff; }
  .isolated { fill: #dafbe1; stroke: #4ac26b; }
  .part { fill: #ffffff; stroke: #8c959f; }
  .tenant { fill: #fbefff; stroke: #a475f9; stroke-width: 1.5; }
  .writer { fill: #1a7f37; stroke: #1a7f37; }
  .on-writer { fill: #ffffff; }
  path { fill: none; stroke: #59636e; stroke-width: 1.5; }
  marker path { fill: #59636e; stroke: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .frame { fill: #151b23; stroke: #656c76; }
    .zone { stroke: #656c76; }
    .public { fill: #2a2211; stroke: #9e6a03; }
    .private { fill: #0c2137; stroke: #1f6feb; }
    .isolated { fill: #0f2a1a; stroke: #238636; }
    .part { fill: #0d1117; stroke: #656c76; }
    .tenant { fill: #241a38; stroke: #8957e5; }
    .writer { fill: #238636; stroke: #238636; }
    path { stroke: #9198a1; }
    marker path { fill: #9198a1; }
  }
"""


@dataclass
class Drawing:
    """What is drawn, in order; lengths are in pixels."""

    width: int
    height: int
    title: str
    _parts: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, look: str) -> None:
        """A rectangle with round corners."""
        self._parts.append(
            f'<rect class="{look}" x="{x:g}" y="{y:g}" '
            f'width="{width:g}" height="{height:g}" rx="6"/>'
        )

    def text(self, x: float, y: float, words: str, look: str = "") -> None:
        """One line of words; `y` is their base line."""
        attribute = f" class={quoteattr(look)}" if look else ""
        self._parts.append(f'<text{attribute} x="{x:g}" y="{y:g}">{escape(words)}</text>')

    def labelled(
        self, x: float, y: float, width: float, height: float, look: str, *lines: str
    ) -> None:
        """A box with lines of words in its middle, the first of them its name."""
        self.box(x, y, width, height, look)
        top = y + height / 2 - (len(lines) - 1) * 8 + 4
        for number, line in enumerate(lines):
            kind = "small" if number else "name"
            self.text(x + width / 2, top + number * 16, line, f"middle {kind}")

    def arrow(self, *points: tuple[float, float]) -> None:
        """A line through the points, with its head at the last."""
        steps = " L".join(f"{x:g} {y:g}" for x, y in points)
        self._parts.append(f'<path d="M{steps}" marker-end="url(#head)"/>')

    def __str__(self) -> str:
        head = (
            '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto-start-reverse"><path d="M0 0 L8 4 L0 8 z"/></marker>'
        )
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
                f'role="img" aria-label={quoteattr(self.title)}>',
                f"<title>{escape(self.title)}</title>",
                f"<style>{STYLE}</style>",
                f"<defs>{head}</defs>",
                *self._parts,
                "</svg>\n",
            ]
        )
