/** Paths of edges: curves where a line moves aside, round corners in lanes, arrows at the end. */

import type { Direction, PlacedEdge, Point } from "../layout/types";

const CORNER = 8;

/** The `d` of one placed edge. */
export function linePath(edge: PlacedEdge, direction: Direction = "down"): string {
  return edge.isLane ? roundedPath(edge.course) : curvedPath(edge.course, direction);
}

function curvedPath(course: readonly Point[], direction: Direction): string {
  return course
    .map((point, place) => {
      const before = course[place - 1];
      if (before === undefined) return `M${at(point)}`;
      if (Math.abs(before.x - point.x) < 0.5 || Math.abs(before.y - point.y) < 0.5) return `L${at(point)}`;
      const [x, y] = [(before.x + point.x) / 2, (before.y + point.y) / 2];
      return direction === "down"
        ? `C${at({ x: before.x, y })}${at({ x: point.x, y })}${at(point)}`
        : `C${at({ x, y: before.y })}${at({ x, y: point.y })}${at(point)}`;
    })
    .join("");
}

function roundedPath(course: readonly Point[]): string {
  let path = "";
  course.forEach((point, place) => {
    const before = course[place - 1];
    const after = course[place + 1];
    if (before === undefined) path += `M${at(point)}`;
    else if (after === undefined) path += `L${at(point)}`;
    else {
      const radius = Math.min(CORNER, distance(before, point) / 2, distance(point, after) / 2);
      path += `L${at(towards(point, before, radius))}Q${at(point)}${at(towards(point, after, radius))}`;
    }
  });
  return path;
}

/** A triangle whose tip is the end of the line. */
export function arrowPath(course: readonly Point[], size: number, direction: Direction = "down"): string {
  const tip = course[course.length - 1];
  const before = course[course.length - 2];
  if (tip === undefined || before === undefined) return "";
  const [x, y] = [tip.x - before.x, tip.y - before.y];
  const isSideways = direction === "down" ? Math.abs(y) < 0.5 : Math.abs(x) >= 0.5;
  const [along, half] = [size * 1.3 * (Math.sign(isSideways ? x : y) || 1), size * 0.75];
  const corner = (side: number): Point =>
    isSideways ? { x: tip.x - along, y: tip.y + side } : { x: tip.x + side, y: tip.y - along };
  return `M${at(tip)}L${at(corner(-half))}L${at(corner(half))}Z`;
}

function towards(from: Point, to: Point, length: number): Point {
  const whole = distance(from, to) || 1;
  return { x: from.x + ((to.x - from.x) * length) / whole, y: from.y + ((to.y - from.y) * length) / whole };
}

function distance(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

function at(point: Point): string {
  return `${Math.round(point.x * 10) / 10},${Math.round(point.y * 10) / 10} `;
}
