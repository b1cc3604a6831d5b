import { describe, expect, it } from "vitest";
import type { PlacedEdge, Point } from "../src/layout/types";
import { arrowPath, linePath } from "../src/views/lines";

const at = (x: number, y: number): Point => ({ x, y });
const line = (isLane: boolean, ...course: Point[]) => ({ isLane, course }) as unknown as PlacedEdge;
/** The numbers of a path, in pairs, by its commands. */
const commands = (path: string): string[] => path.match(/[A-Z][^A-Z]*/g)?.map((each) => each.trim()) ?? [];

describe("linePath", () => {
  it("goes straight down where nothing moves aside", () => {
    expect(commands(linePath(line(false, at(10, 0), at(10, 50))))).toEqual(["M10,0", "L10,50"]);
  });

  it("leaves and arrives upright where it moves aside", () => {
    expect(commands(linePath(line(false, at(0, 0), at(40, 100))))).toEqual(["M0,0", "C0,50 40,50 40,100"]);
  });

  it("rounds the corners of a lane, touching neither end", () => {
    const path = commands(linePath(line(true, at(0, 0), at(60, 0), at(60, 100))));
    expect(path).toEqual(["M0,0", "L52,0", "Q60,0 60,8", "L60,100"]);
  });

  it("rounds less where a piece of a lane is short", () => {
    const path = commands(linePath(line(true, at(0, 0), at(6, 0), at(6, 100))));
    expect(path).toEqual(["M0,0", "L3,0", "Q6,0 6,3", "L6,100"]);
  });

  it("holds no number that is none where two points fall together", () => {
    expect(linePath(line(true, at(5, 5), at(5, 5), at(5, 90)))).not.toContain("NaN");
    expect(linePath(line(false, at(5, 5), at(5, 5), at(5, 90)))).not.toContain("NaN");
  });

  it("is empty without points", () => {
    expect(linePath(line(false))).toBe("");
    expect(linePath(line(true))).toBe("");
  });
});

describe("arrowPath", () => {
  it.each([
    ["down", at(10, 0), at(10, 50), ["M10,50", "L2.5,37", "L17.5,37", "Z"]],
    ["up", at(10, 90), at(10, 50), ["M10,50", "L2.5,63", "L17.5,63", "Z"]],
    ["right", at(0, 50), at(60, 50), ["M60,50", "L47,42.5", "L47,57.5", "Z"]],
    ["left", at(90, 50), at(60, 50), ["M60,50", "L73,42.5", "L73,57.5", "Z"]],
  ])("has its tip at the end of a line that goes %s", (_, from, to, path) => {
    expect(commands(arrowPath([from, to], 10))).toEqual(path);
  });

  it("is empty where there is no line", () => {
    expect(arrowPath([at(1, 1)], 10)).toBe("");
  });
});
