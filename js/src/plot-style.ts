/** A figure in the colours of the page. */

import type { Shade } from "./theme";

type Layout = Record<string, unknown>;

const COLOURS = {
  light: { page: "#ffffff", text: "#59636e", line: "#d5dae0" },
  dark: { page: "#16191d", text: "#9aa4af", line: "#343b43" },
};
const CLEAR = "rgba(0, 0, 0, 0)";

/** The figure's layout at a size in CSS pixels, its text and lines readable on a light or dark page. */
export function styledLayout(layout: Layout, shade: Shade, width: number, height: number): Layout {
  const { page, text, line } = COLOURS[shade];
  const axes = Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key));
  const lines = { gridcolor: line, zerolinecolor: line, linecolor: line, tickcolor: line };
  return {
    ...layout,
    ...Object.fromEntries(axes.map((key) => [key, { ...object(layout[key]), ...lines }])),
    font: { ...object(layout.font), color: text },
    paper_bgcolor: CLEAR,
    plot_bgcolor: CLEAR,
    modebar: { color: text, activecolor: text, bgcolor: page },
    // What a person hid or zoomed stays so as long as the axis means the same.
    uirevision: object(object(layout.xaxis).title).text,
    autosize: false,
    width,
    height,
  };
}

function object(value: unknown): Layout {
  return typeof value === "object" && value !== null ? (value as Layout) : {};
}
