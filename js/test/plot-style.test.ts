import { expect, it } from "vitest";
import { styledLayout } from "../src/plot-style";

const LAYOUT = {
  font: { size: 11, color: "#808080" },
  xaxis: { title: { text: "batch size" }, type: "log", gridcolor: "red" },
  yaxis2: { range: [0, 4] },
};

it("styledLayout colours text and every axis, and keeps what else the figure says", () => {
  const { font, xaxis, yaxis2 } = styledLayout(LAYOUT, "light", 400, 300);
  expect(font).toEqual({ size: 11, color: "#59636e" });
  expect(xaxis).toMatchObject({ title: { text: "batch size" }, type: "log", gridcolor: "#d5dae0" });
  expect(yaxis2).toMatchObject({ range: [0, 4], linecolor: "#d5dae0", tickcolor: "#d5dae0" });
});

it("styledLayout gives the size and a background that lets the page through", () => {
  const styled = styledLayout(LAYOUT, "dark", 400, 300);
  expect(styled).toMatchObject({ width: 400, height: 300, autosize: false, paper_bgcolor: "rgba(0, 0, 0, 0)" });
});

it("styledLayout adds no axis to a figure that has none", () => {
  expect(Object.keys(styledLayout({}, "dark", 400, 300)).filter((key) => key.includes("axis"))).toEqual([]);
});

it("styledLayout leaves the figure's own layout as it was", () => {
  const before = structuredClone(LAYOUT);
  styledLayout(LAYOUT, "dark", 400, 300);
  expect(LAYOUT).toEqual(before);
});
