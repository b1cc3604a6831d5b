import { expect, it } from "vitest";
import { shadeOfColour, shadeOfMarks } from "../src/theme";

it.each([
  [{ jpThemeLight: "true" }, "", null, "light"],
  [{ jpThemeLight: "false" }, "", null, "dark"],
  [{ vscodeThemeKind: "vscode-light" }, "", null, "light"],
  [{ vscodeThemeKind: "vscode-dark" }, "", null, "dark"],
  [{ vscodeThemeKind: "vscode-high-contrast" }, "", null, "dark"],
  [{ vscodeThemeKind: "vscode-high-contrast-light" }, "", null, "light"],
  [{}, "notebook vscode-dark other", null, "dark"],
  [{}, "", "dark", "dark"],
  [{}, "", "light", "light"],
  [{}, "vscode-body", "sepia", undefined],
])("shadeOfMarks reads %j, class %j and theme %j as %s", (data, bodyClass, colab, shade) => {
  expect(shadeOfMarks(data as DOMStringMap, bodyClass, colab)).toBe(shade);
});

it.each([
  ["rgb(255, 255, 255)", "light"],
  ["rgb(17, 17, 17)", "dark"],
  ["rgba(30, 30, 30, 0.9)", "dark"],
  ["rgb(0, 0, 255)", "dark"],
  ["rgb(0, 255, 0)", "light"],
  ["rgba(0, 0, 0, 0)", undefined],
  ["oklch(0.2 0 0)", undefined],
  ["", undefined],
])("shadeOfColour takes %j for %s", (colour, shade) => {
  expect(shadeOfColour(colour)).toBe(shade);
});
