// Times the layout: node bench/layout.mjs
import { buildSync } from "esbuild";

const contents = `
  export { GraphIndex, layout, LayoutCache } from "./src/layout/index";
  export { allGroups, chainWithSkips, transformer } from "./test/layout/graphs";
`;
const { outputFiles } = buildSync({
  stdin: { contents, resolveDir: process.cwd() },
  bundle: true,
  format: "esm",
  write: false,
});
const source = Buffer.from(outputFiles[0].contents).toString("base64");
const { GraphIndex, layout, LayoutCache, allGroups, chainWithSkips, transformer } = await import(
  `data:text/javascript;base64,${source}`
);

const graphs = {
  "chain with skips, 300 nodes": chainWithSkips(300),
  "chain with skips, 10,000 nodes": chainWithSkips(10_000),
  "transformer, 18 blocks": transformer(18),
  "transformer, 590 blocks": transformer(590),
};
for (const [name, graph] of Object.entries(graphs)) {
  const index = new GraphIndex(graph.nodes, graph.edges);
  const time = (cache) => {
    const start = performance.now();
    layout(index, allGroups(graph), graph.size, {}, cache);
    return performance.now() - start;
  };
  const median = (times) => times.sort((a, b) => a - b)[times.length >> 1].toFixed(1);
  const cache = new LayoutCache();
  const fresh = Array.from({ length: 5 }, () => time(new LayoutCache()));
  const again = Array.from({ length: 5 }, () => time(cache)).slice(1);
  console.log(`${name} (${graph.nodes.length} boxes): ${median(fresh)} ms, ${median(again)} ms with a full cache`);
}
