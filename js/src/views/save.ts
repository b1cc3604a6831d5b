/** The picture as a file: an SVG that needs no style sheet, and a PNG made of it. */

import { s } from "../dom";

/** What other programs have to be told, as they do not know our style sheet, and what they take for granted. */
const PROPERTIES: Record<string, string> = {
  fill: "",
  stroke: "",
  "stroke-width": "",
  "stroke-dasharray": "none",
  "stroke-linecap": "butt",
  "stroke-linejoin": "miter",
  "paint-order": "normal",
  opacity: "1",
  "font-family": "",
  "font-size": "",
  "font-weight": "",
  "text-decoration-line": "none",
};
const MARGIN = 20;
const MOST_PIXELS = 16_000;

/** A picture of this size as an SVG document, with every colour and font written out. */
export function svgText(world: SVGGElement, width: number, height: number): string {
  const [wide, high] = [Math.ceil(width) + 2 * MARGIN, Math.ceil(height) + 2 * MARGIN];
  const copy = plain(world) as SVGElement;
  copy.setAttribute("transform", `translate(${MARGIN} ${MARGIN})`);
  const background = getComputedStyle(world.closest(".swg") ?? world).backgroundColor;
  const page = s("rect", { width: wide, height: high, fill: background });
  const svg = s("svg", { width: wide, height: high, viewBox: `0 0 ${wide} ${high}` }, page, copy);
  return new XMLSerializer().serializeToString(svg);
}

/** A copy without classes, roles and what is only there to be pointed at. */
function plain(element: Element): Element | null {
  const style = getComputedStyle(element);
  if (style.display === "none" || element.classList.contains("swg-hit")) return null;
  const copy = element.cloneNode(false) as Element;
  for (const { name } of [...copy.attributes])
    if (/^(class|style|role|tabindex|data-.*|aria-.*)$/.test(name)) copy.removeAttribute(name);
  if (element.tagName !== "g" && element.tagName !== "title")
    for (const [property, usual] of Object.entries(PROPERTIES)) {
      const value = style.getPropertyValue(property);
      if (property === "fill" || property === "stroke") paint(copy, property, value);
      else if (value && value !== usual) copy.setAttribute(attributeOf(property), value);
    }
  else if (style.opacity !== "1") copy.setAttribute("opacity", style.opacity);
  for (const child of element.childNodes) {
    const kept = child instanceof Element ? plain(child) : child.cloneNode();
    if (kept) copy.append(kept);
  }
  return copy;
}

const attributeOf = (property: string): string => (property === "text-decoration-line" ? "text-decoration" : property);

/**
 * A colour as three numbers and its opacity beside it. Browsers compute mixed ones as "color(srgb 0.1 0.2 0.3 / 0.5)",
 * which nobody else reads.
 */
function paint(copy: Element, property: string, value: string): void {
  const numbers = (value.match(/[\d.]+/g) ?? []).map(Number);
  const channels = numbers
    .slice(0, 3)
    .map((channel) => (value.startsWith("color") ? Math.round(255 * channel) : channel));
  const opacity = numbers[3] ?? 1;
  copy.setAttribute(property, channels.length < 3 || opacity === 0 ? "none" : `rgb(${channels})`);
  if (opacity > 0 && opacity < 1) copy.setAttribute(`${property}-opacity`, String(opacity));
}

/** Hand a file to the person. The address has to live until the host has fetched it. */
export function download(name: string, file: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** An SVG document in twice its size as a PNG. */
export async function png(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  await image.decode();
  URL.revokeObjectURL(image.src);
  const scale = Math.min(2, MOST_PIXELS / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser made no PNG."))), "image/png"),
  );
}
