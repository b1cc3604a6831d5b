/** A figure in the colours of the page. */

import type { Shade } from "./theme";

type Layout = Record<string, unknown>;

const COLOURS = {
  light: { text: "#3b4252", line: "rgba(0, 0, 0, 0.14)" },
  dark: { text: "#c9d1d9", line: "rgba(255, 255, 255, 0.18)" },
};
const CLEAR = "rgba(0, 0, 0, 0)";

/** The figure's layout at a size in CSS pixels, its text and lines readable on a light or dark page. */
export function styledLayout(layout: Layout, shade: Shade, width: number, height: number): Layout {
  const { text, line } = COLOURS[shade];
  const axes = Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key));
  const lines = { gridcolor: line, zerolinecolor: line, linecolor: line, tickcolor: line };
  return {
    ...layout,
    ...Object.fromEntries(axes.map((key) => [key, { ...object(layout[key]), ...lines }])),
    font: { ...object(layout.font), color: text },
    paper_bgcolor: CLEAR,
    plot_bgcolor: CLEAR,
    autosize: false,
    width,
    height,
  };
}

function object(value: unknown): Layout {
  return typeof value === "object" && value !== null ? (value as Layout) : {};
}
