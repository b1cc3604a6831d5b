/** A unified diff, coloured by line. */

import { h, signButton } from "../dom";
import { patchLines } from "../texts";

/** No line breaks between a sign and the code behind it. */
const SIGNS = { added: "+\u00a0", removed: "−\u00a0", context: "\u00a0\u00a0", place: "" };

/** The lines of a patch, and a button that copies the new ones. */
export function diff(patch: string): HTMLElement {
  const lines = patchLines(patch);
  const body = h("pre.diff", { tabindex: 0, "aria-label": "The fix as a change of your code" });
  for (const { kind, text } of lines) body.append(h(`span.${kind}`, SIGNS[kind] + text));
  const added = lines.filter((line) => line.kind === "added").map((line) => line.text);
  const copy = signButton("Copy the new lines", "Copy", () => void copied(copy, added.join("\n")), "swg-copy");
  return h("div.patch", body, copy);
}

async function copied(element: HTMLElement, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    element.textContent = "Copied";
  } catch {
    element.textContent = "Select and copy by hand";
  }
}
