/** Light or dark: what the trait says, or else what the page around us looks like. */

export type Shade = "light" | "dark";

/** What of a widget's model is needed here. */
export interface ThemeModel {
  get(name: "theme"): unknown;
  on(event: "change:theme", callback: () => void): void;
  off(event: "change:theme", callback: () => void): void;
}

const MARKS = ["data-jp-theme-light", "data-vscode-theme-kind", "data-theme", "theme", "class", "style"];

/**
 * Calls `apply` at once, and again when the trait, the page or the system changes from light to dark or back.
 * Returns what ends that.
 */
export function watchTheme(model: ThemeModel, apply: (theme: Shade) => void): () => void {
  let shown: Shade | undefined;
  const update = () => {
    const trait = model.get("theme");
    const theme = trait === "light" || trait === "dark" ? trait : shadeOfPage();
    if (theme !== shown) {
      shown = theme;
      apply(theme);
    }
  };
  const observer = new MutationObserver(update);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter: MARKS });
  }
  const system = darkSystem();
  system.addEventListener("change", update);
  model.on("change:theme", update);
  update();
  return () => {
    observer.disconnect();
    system.removeEventListener("change", update);
    model.off("change:theme", update);
  };
}

/** The notebook's own mark, or the background, or the system's preference, whichever is there first. */
function shadeOfPage(): Shade {
  const { body, documentElement } = document;
  return (
    shadeOfMarks(body.dataset, body.className, documentElement.getAttribute("theme") ?? body.dataset.theme) ??
    shadeOfColour(getComputedStyle(body).backgroundColor) ??
    shadeOfColour(getComputedStyle(documentElement).backgroundColor) ??
    (darkSystem().matches ? "dark" : "light")
  );
}

/** What JupyterLab and Notebook, VS Code, and Colab or marimo say of themselves. */
export function shadeOfMarks(
  data: DOMStringMap,
  bodyClass: string,
  theme: string | null | undefined,
): Shade | undefined {
  if (data.jpThemeLight !== undefined) return data.jpThemeLight === "false" ? "dark" : "light";
  const code = /vscode-(?:dark|light|high-contrast(?:-light)?)(?=\s|$)/.exec(data.vscodeThemeKind ?? bodyClass);
  if (code) return code[0].endsWith("light") ? "light" : "dark";
  return theme === "dark" || theme === "light" ? theme : undefined;
}

/** Whether a computed colour is a dark one; undefined where it is transparent or not in sRGB. */
export function shadeOfColour(colour: string): Shade | undefined {
  const [red, green, blue, alpha = 1] = (/^rgba?\((.*)\)$/.exec(colour)?.[1] ?? "").split(",").map(Number);
  if (red === undefined || green === undefined || blue === undefined || alpha === 0) return undefined;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128 ? "dark" : "light";
}

function darkSystem(): MediaQueryList {
  return matchMedia("(prefers-color-scheme: dark)");
}
