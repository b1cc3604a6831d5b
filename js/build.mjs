// Builds the front end into shapewidget/static: node build.mjs
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const STATIC = fileURLToPath(new URL("../shapewidget/static/", import.meta.url));
const VIEWS = { graph_view: "src/widget.ts", plot_view: "src/plot-view.ts" };
// A notebook stores the code of every view, so that each must stay small.
const LARGEST = 80_000;

mkdirSync(STATIC, { recursive: true });
const { metafile } = await build({
  entryPoints: VIEWS,
  outdir: STATIC,
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  loader: { ".css": "text" },
  metafile: true,
});
const plotly = createRequire(import.meta.url).resolve("plotly.js-basic-dist-min/plotly-basic.min.js");
// A copy would keep the date on some systems, and the bundle then count as older than its sources.
writeFileSync(`${STATIC}plotly.min.js`, readFileSync(plotly));

for (const [path, { bytes }] of Object.entries(metafile.outputs)) {
  console.log(`${path.split("/").at(-1)}: ${(bytes / 1000).toFixed(1)} kB`);
  if (bytes > LARGEST) {
    console.error(`${path} has ${bytes} bytes, more than the ${LARGEST} that a notebook should store for each view.`);
    process.exitCode = 1;
  }
}
