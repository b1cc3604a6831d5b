// Builds the front end into shapewidget/static: node build.mjs
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const STATIC = fileURLToPath(new URL("../shapewidget/static/", import.meta.url));
const VIEWS = { graph_view: "src/widget.ts", plot_view: "src/plot-view.ts" };
// A notebook stores the code of every view, so that each must stay small.
const LARGEST = 80_000;

// Names within the front end alone, which nothing outside it reads or writes: they may be shortened. No name that
// objects of the language, the page or plotly.js have, as "search" of a string.
const OURS = new RegExp(
  `^(${[
    "picture viewport drawing scene marks colouring folds problems element index measure symbolic numeric trouble around",
    "isOpen isLane isMain isCulled isFar wasDragged wasMoved cardWidth anchor beside arrivesAt leavesAt",
    "entryTrack exitTrack entryTracks exitTracks entryTop exitTop curveTop laneWidth trackHeight bottomPadding",
    "sidePadding wideGap portGap separation isPlaced isBack fromPort toPort arrangement leafCount isGroup sideOffset",
    "chain nodes column items higher lower links placed carried hasArrow members isAssumed shown",
    "focusOn focused startAt toPicture onChange setLater isWaiting keepNear openAll nextProblem centre hovered reveal",
    "outlines afar isLarge isKept glide forgetRooms mainLine waitsFor startX endX isCurve leaves isDone firstOpen",
    "enterX leaveX outOf routes isSolved fullScreen colourBy focusSearch hasTwin options level columns apart",
    "show above below last first tone weight depth previous make look dispose mark turn zoom colour update follow",
    "legend around bottom placed boxes nested chains home resized members exit entry through cardLeft",
    "course made onScreen toPicture reserve goNear makeRoom readers enters leave moves into ends axes isSearching isFound found",
    "outlines under lean ids known",
  ]
    .join(" ")
    .replaceAll(" ", "|")})$`,
);

const STYLES = fileURLToPath(new URL("src/styles/", import.meta.url));
/** What stands for frequent words of the style sheets; the view puts the words in again. */
const SHORTHAND = Object.entries(JSON.parse(readFileSync(`${STYLES}shorthand.json`, "utf8")));
const sheets = readdirSync(STYLES)
  .filter((name) => name.endsWith(".css"))
  .sort();
const names = sheets.flatMap((sheet) => readFileSync(STYLES + sheet, "utf8").match(/(?<=--)[a-z][\w-]*/g));
// Custom properties that scripts name keep their names.
const own = [...new Set(names)].filter((name) => !/^(heat-.*|kind-.*|(on-)?tone|sans|mono|height)$/.test(name));
const short = new Map(own.map((name, place) => [name, place.toString(36)]));

/** Style sheets become text, which esbuild by itself would leave as they are written. */
const smallStyles = {
  name: "small-styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      const contents = code.trim().replace(/(?<=--[\w-]+:) /g, "");
      const renamed = contents.replace(/(?<=--)[\w-]+/g, (name) => short.get(name) ?? name);
      const sign = SHORTHAND.find(([sign]) => path.startsWith(STYLES) && renamed.includes(sign));
      if (sign) throw new Error(`${path} contains ${sign[0]}, which stands for ${sign[1]} in shorthand.json.`);
      const shortened = SHORTHAND.reduce((text, [sign, word]) => text.replaceAll(word, sign), renamed);
      return { contents: path.startsWith(STYLES) ? shortened : renamed, loader: "text" };
    });
  },
};

mkdirSync(STATIC, { recursive: true });
const { metafile } = await build({
  entryPoints: VIEWS,
  outdir: STATIC,
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  mangleProps: OURS,
  minify: true,
  plugins: [smallStyles],
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
