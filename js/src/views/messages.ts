/** What the kernel is doing, and what went wrong there. */

import type { WireProblem, WireStatus } from "../contract.gen";
import { h, signButton } from "../dom";

/** A line of text over a thin bar; empty while the kernel is ready. */
export function statusLine(): { element: HTMLElement; show(status: WireStatus): void } {
  const text = h("span");
  const bar = h("div.progress", h("div"));
  const element = h("div.status", { role: "status", "aria-live": "polite" }, text, bar);
  const show = (status: WireStatus): void => {
    element.classList.toggle("swg-busy", status.state === "busy");
    text.textContent = status.state === "busy" ? status.text : "";
    bar.classList.toggle("swg-endless", status.progress === null);
    const filled = bar.firstElementChild as HTMLElement;
    filled.style.width = status.progress === null ? "30%" : `${Math.round(status.progress * 100)}%`;
  };
  return { element, show };
}

/** An error of the kernel, until somebody puts it away. */
export function problemPanel(dismiss: () => void): { element: HTMLElement; show(problem: WireProblem | null): void } {
  const title = h("b");
  const text = h("p");
  const close = signButton("Put this message away", "×", dismiss, "swg-square");
  const element = h("div.problem", { role: "alert" }, h("div", title, text), close);
  const show = (problem: WireProblem | null): void => {
    element.hidden = problem === null;
    title.textContent = problem?.title ?? "";
    text.textContent = problem?.text ?? "";
  };
  return { element, show };
}
