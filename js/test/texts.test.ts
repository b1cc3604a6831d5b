import { describe, expect, it } from "vitest";
import { patchLines, pieces, placeOf, shortArguments, shortName } from "../src/texts";

describe("shortName", () => {
  it("leaves a name that fits as it is", () => {
    expect(shortName("bidirectional_encoder")).toBe("bidirectional_encoder");
    expect(shortName("x".repeat(36))).toBe("x".repeat(36));
  });

  it("keeps both ends of a name that does not fit", () => {
    const short = shortName(`first${"_".repeat(3000)}last`);
    expect(short).toHaveLength(36);
    expect(short).toMatch(/^first_+…_+last$/);
  });
});

describe("shortArguments", () => {
  it("keeps the beginning", () => {
    expect(shortArguments("dim=1")).toBe("dim=1");
    expect(shortArguments("0123456789".repeat(300))).toBe("01234567890123456789012…");
  });
});

describe("pieces", () => {
  it("takes what stands between backticks for code", () => {
    expect(pieces("Give `head` the width `2 * hidden`.")).toEqual([
      { text: "Give ", isCode: false },
      { text: "head", isCode: true },
      { text: " the width ", isCode: false },
      { text: "2 * hidden", isCode: true },
      { text: ".", isCode: false },
    ]);
  });

  it("starts with code where the sentence does", () => {
    expect(pieces("`head` is narrow")[0]).toEqual({ text: "head", isCode: true });
  });

  it.each(["a ` alone", "<b>bold</b>", "``"])("leaves %j as text", (sentence) => {
    expect(pieces(sentence)).toEqual([{ text: sentence, isCode: false }]);
  });

  it("gives nothing for nothing", () => {
    expect(pieces("")).toEqual([]);
  });
});

describe("placeOf", () => {
  it.each([
    ["256", "256 → 128", 0],
    ["256", "2560 → 256", 7],
    ["256", "1256 → 128", -1],
    ["256", "2560 → 128", -1],
    ["1", "0.1, 1", 5],
    ["1", "1.5", -1],
    ["64", "64", 0],
    ["3", "", -1],
  ])("finds %s in %j at %i", (number, text, place) => {
    expect(placeOf(number, text)).toBe(place);
  });
});

describe("patchLines", () => {
  const patch = [
    "--- a/cell",
    "+++ b/cell",
    "@@ -46,3 +46,3 @@",
    "         self.lstm = nn.LSTM(width, hidden)",
    "-        self.head = nn.Linear(hidden, tags)",
    "+        self.head = nn.Linear(2 * hidden, tags)",
    "",
  ].join("\n");

  it("says the line, and takes names and common indentation away", () => {
    expect(patchLines(patch)).toEqual([
      { kind: "place", text: "line 46" },
      { kind: "context", text: "self.lstm = nn.LSTM(width, hidden)" },
      { kind: "removed", text: "self.head = nn.Linear(hidden, tags)" },
      { kind: "added", text: "self.head = nn.Linear(2 * hidden, tags)" },
    ]);
  });

  it("keeps indentation that is not common, and lines that were indented less than a blank one", () => {
    expect(patchLines("@@ -1 +1 @@\n-    if x:\n \n+        y = 1")).toEqual([
      { kind: "place", text: "line 1" },
      { kind: "removed", text: "if x:" },
      { kind: "context", text: "" },
      { kind: "added", text: "    y = 1" },
    ]);
  });

  it("keeps code that begins with the signs of a file name", () => {
    const lines = patchLines("--- a/cell\n+++ b/cell\n@@ -3 +3 @@\n---x\n+++x");
    expect(lines.slice(1)).toEqual([
      { kind: "removed", text: "--x" },
      { kind: "added", text: "++x" },
    ]);
  });

  it("says the line of every change", () => {
    const lines = patchLines("--- a\n+++ a\n@@ -3 +3 @@\n-x\n+y\n--- b\n+++ b\n@@ -9 +9 @@\n-z\n");
    expect(lines.map((line) => line.text)).toEqual(["line 3", "x", "y", "line 9", "z"]);
  });

  it("gives nothing for no patch", () => {
    expect(patchLines("")).toEqual([]);
  });
});
