/** The fonts of the view, and widths of texts in them, measured on a canvas. */

import type { Font, Measure } from "../scene";

export const SANS = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
export const MONO = 'ui-monospace, Menlo, Consolas, "Noto Sans Mono", "DejaVu Sans Mono", monospace';

const FONTS: Record<Font, string> = {
  bold: `600 13px ${SANS}`,
  plain: `12px ${SANS}`,
  mono: `11px ${MONO}`,
  small: `10px ${MONO}`,
};

/** Letters that all have one width where the font has one. */
const PLAIN = /^[ -~\u00b7×]*$/;

/** A measurer of its own for every view: it remembers what it has measured. */
export function measurer(): Measure {
  const context = document.createElement("canvas").getContext("2d");
  const seen = new Map<string, number>();
  const measure: Measure = (text, font) => {
    if (text.length > 1 && (font === "mono" || font === "small") && PLAIN.test(text))
      return text.length * measure("0", font);
    const key = font + text;
    let width = seen.get(key);
    if (width === undefined) {
      if (context !== null) context.font = FONTS[font];
      width = context?.measureText(text).width ?? text.length * 7;
      seen.set(key, width);
    }
    return width;
  };
  return measure;
}
