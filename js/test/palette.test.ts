import { describe, expect, it } from "vitest";
import css from "../src/styles/base.css?raw";

/** The colours of a theme; the dark one has those of the light one that it does not change. */
function colours(theme: "light" | "dark"): (name: string) => string {
  const [light = "", dark = ""] = [/\.swg \{([^}]*)\}/, /\.swg\[data-theme="dark"\] \{([^}]*)\}/].map(
    (rule) => rule.exec(css)?.[1],
  );
  const found = new Map<string, string>();
  for (const block of theme === "light" ? [light] : [light, dark])
    for (const [, name = "", value = ""] of block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)) found.set(name, value);
  return (name) => {
    const value = found.get(name);
    if (value === undefined) throw new Error(`The ${theme} theme has no colour "${name}".`);
    return value;
  };
}

type Triple = [number, number, number];

const linear = (colour: string): Triple =>
  [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as Triple;

const times = (matrix: readonly Triple[], [x, y, z]: Triple): Triple =>
  matrix.map(([a, b, c]) => a * x + b * y + c * z) as Triple;

/** Relative luminance and contrast of WCAG 2.2. */
const luminance = (colour: string): number => {
  const [red, green, blue] = linear(colour);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one: string, other: string): number => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
};

/** Machado, Oliveira and Fernandes 2009, severity 1. */
const SIGHT: Record<string, Triple[]> = {
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** OKLab (Ottosson 2020), times 100, of what somebody with this sight sees. */
function seen(colour: string, sight: string): Triple {
  const rgb = times(SIGHT[sight] ?? [], linear(colour)).map((value) => Math.min(1, Math.max(0, value))) as Triple;
  const lms = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    rgb,
  ).map(Math.cbrt) as Triple;
  return times(
    [
      [21.04542553, 79.3617785, -0.40720468],
      [197.79984951, -242.8592205, 45.05937099],
      [2.59040371, 78.27717662, -80.8675766],
    ],
    lms,
  );
}
const distance = (one: Triple, other: Triple): number => Math.hypot(...one.map((value, at) => value - other[at]!));

const TEXTS: [string, string[]][] = [
  ["text", ["bg", "raised", "card", "depth-even", "depth-odd", "agree-tint", "mismatch-tint", "coincidence-tint"]],
  ["text", ["added", "removed"]],
  ["quiet", ["bg", "raised", "card", "depth-even", "depth-odd", "agree-tint", "mismatch-tint", "coincidence-tint"]],
  ["agree", ["bg", "raised"]],
  ["mismatch-ink", ["bg", "card", "mismatch-tint"]],
  ["mismatch-on", ["mismatch-fill"]],
  ["coincidence-ink", ["bg", "card", "coincidence-tint"]],
  ["coincidence-on", ["coincidence-fill"]],
  ["heat-on", ["heat-0", "heat-1", "heat-2"]],
  ["heat-high-on", ["heat-3", "heat-4"]],
  ["kind-on", [0, 1, 2, 3, 4, 5].map((kind) => `kind-${kind}`)],
];
const STATES = ["agree", "mismatch", "coincidence", "unreached"];

describe.each(["light", "dark"] as const)("the %s theme", (theme) => {
  const colour = colours(theme);

  it.each(TEXTS.flatMap(([text, grounds]) => grounds.map((ground) => [text, ground] as const)))(
    "has a %s that can be read on %s",
    (text, ground) => expect(contrast(colour(text), colour(ground))).toBeGreaterThanOrEqual(4.5),
  );

  it.each(STATES)("has lines of state %s that stand out from every ground", (state) => {
    for (const ground of ["bg", "depth-even", "depth-odd"])
      expect(contrast(colour(state), colour(ground))).toBeGreaterThanOrEqual(3);
  });

  it.each(Object.keys(SIGHT))("has four states that differ for %s sight", (sight) => {
    const all = STATES.map((state) => seen(colour(state), sight));
    for (const [place, one] of all.entries())
      for (const other of all.slice(0, place)) expect(distance(one, other)).toBeGreaterThan(10);
  });

  it.each(Object.keys(SIGHT))("has a scale whose steps grow and differ for %s sight", (sight) => {
    const steps = [0, 1, 2, 3, 4].map((step) => seen(colour(`heat-${step}`), sight));
    for (const [place, step] of steps.slice(1).entries()) {
      const difference = step[0] - steps[place]![0];
      expect(theme === "light" ? -difference : difference).toBeGreaterThan(6);
    }
  });

  it.each(Object.keys(SIGHT))("has colours of kinds that differ for %s sight", (sight) => {
    const all = [0, 1, 2, 3, 4, 5].map((kind) => seen(colour(`kind-${kind}`), sight));
    for (const [place, one] of all.entries())
      for (const other of all.slice(0, place)) expect(distance(one, other)).toBeGreaterThan(8);
  });
});
