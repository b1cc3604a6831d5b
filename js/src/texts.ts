/** Texts as they are shown: shortened names, code between backticks, lines of a patch. No DOM. */

const LONGEST_NAME = 36;
const LONGEST_BADGE = 64;
const LONGEST_ARGUMENTS = 24;

/** A name with its middle left out where it is too long for a box. */
export function shortName(name: string, longest = LONGEST_NAME): string {
  if (name.length <= longest) return name;
  const half = (longest - 1) / 2;
  return `${name.slice(0, Math.ceil(half))}…${name.slice(-Math.floor(half))}`;
}

/** A clash, which is longer than a name: it has two sizes. */
export function shortBadge(badge: string): string {
  return shortName(badge, LONGEST_BADGE);
}

/** Arguments with their end left out. */
export function shortArguments(text: string): string {
  return text.length > LONGEST_ARGUMENTS ? `${text.slice(0, LONGEST_ARGUMENTS - 1)}…` : text;
}

export interface Piece {
  readonly text: string;
  readonly isCode: boolean;
}

/** A sentence in which `code` stands between backticks; a single backtick is just one. */
export function pieces(sentence: string): Piece[] {
  return sentence
    .split(/`([^`]+)`/)
    .map((text, place) => ({ text, isCode: place % 2 === 1 }))
    .filter(({ text }) => text !== "");
}

/** Where a number stands on its own in a text, not as a part of a larger one; -1 where it does not. */
export function placeOf(number: string, text: string): number {
  for (let at = text.indexOf(number); at >= 0; at = text.indexOf(number, at + 1)) {
    const [before, after] = [text[at - 1] ?? "", text[at + number.length] ?? ""];
    if (!/[\d.]/.test(before) && !/[\d.]/.test(after)) return at;
  }
  return -1;
}

export interface PatchLine {
  readonly kind: "added" | "removed" | "context" | "place";
  readonly text: string;
}

/** A unified diff without its file names; common indentation is taken off, "@@ -46 +46 @@" becomes "line 46". */
export function patchLines(patch: string): PatchLine[] {
  const hunks = patch.replace(/^--- .*\n\+\+\+ .*\n(?=@@)/gm, "");
  const lines = hunks.split("\n").filter((line) => line !== "");
  const code = lines.filter((line) => !line.startsWith("@@"));
  const indents = code.filter((line) => line.trim().length > 1).map((line) => line.slice(1).search(/\S/));
  const common = Math.max(0, Math.min(...indents, 80));
  return lines.map((line) => {
    if (line.startsWith("@@")) return { kind: "place", text: `line ${/-(\d+)/.exec(line)?.[1] ?? "?"}` };
    const kind = line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : "context";
    return { kind, text: line.slice(1 + common) };
  });
}
