/** A unified diff, coloured by line. */

import { button, h } from "../dom";

/** The lines of a patch, and a button that copies it. */
export function diff(patch: string): HTMLElement {
  const lines = patch.split("\n").filter((line) => line !== "" && !line.startsWith("---") && !line.startsWith("+++"));
  const body = h("pre", { class: "swg-diff", tabindex: 0, "aria-label": "The fix as a change of your code" });
  for (const line of lines) {
    const kind = line.startsWith("+") ? "swg-added" : line.startsWith("-") ? "swg-removed" : "swg-context";
    body.append(h("span", { class: kind }, line));
  }
  const added = lines.filter((line) => line.startsWith("+")).map((line) => line.slice(1));
  const copy = button("Copy the changed lines", "Copy", () => void copied(copy, added.join("\n")), "swg-copy");
  return h("div", { class: "swg-patch" }, body, copy);
}

async function copied(element: HTMLElement, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    element.textContent = "Copied";
  } catch {
    element.textContent = "Select and copy by hand";
  }
}
