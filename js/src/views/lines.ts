/** Paths of edges: curves where a line moves aside, round corners in lanes, arrows at the end. */

import type { PlacedEdge, Point } from "../layout/types";

const CORNER = 8;

/** The `d` of one placed edge. */
export function linePath(edge: PlacedEdge): string {
  return edge.isLane ? roundedPath(edge.points) : curvedPath(edge.points);
}

function curvedPath(points: readonly Point[]): string {
  return points
    .map((point, place) => {
      const before = points[place - 1];
      if (before === undefined) return `M${at(point)}`;
      if (Math.abs(before.x - point.x) < 0.5) return `L${at(point)}`;
      const middle = (before.y + point.y) / 2;
      return `C${at({ x: before.x, y: middle })}${at({ x: point.x, y: middle })}${at(point)}`;
    })
    .join("");
}

function roundedPath(points: readonly Point[]): string {
  let path = "";
  points.forEach((point, place) => {
    const before = points[place - 1];
    const after = points[place + 1];
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
export function arrowPath(points: readonly Point[], size: number): string {
  const tip = points[points.length - 1];
  const before = points[points.length - 2];
  if (tip === undefined || before === undefined) return "";
  const isSideways = Math.abs(tip.y - before.y) < 0.5;
  const sign = isSideways ? Math.sign(tip.x - before.x) || 1 : Math.sign(tip.y - before.y) || 1;
  const back = isSideways ? { x: tip.x - sign * size * 1.3, y: tip.y } : { x: tip.x, y: tip.y - sign * size * 1.3 };
  const [left, right] = isSideways
    ? [
        { x: back.x, y: back.y - size * 0.75 },
        { x: back.x, y: back.y + size * 0.75 },
      ]
    : [
        { x: back.x - size * 0.75, y: back.y },
        { x: back.x + size * 0.75, y: back.y },
      ];
  return `M${at(tip)}L${at(left)}L${at(right)}Z`;
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
