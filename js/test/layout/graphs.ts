import type { LayoutEdge, LayoutNode, NodeSize } from "../../src/layout/index";

/** A graph with the sizes of its boxes. */
export interface Graph {
  readonly nodes: readonly LayoutNode[];
  readonly edges: readonly LayoutEdge[];
  readonly size: (id: string) => NodeSize;
}

const card: NodeSize = { width: 110, height: 42, above: 0, below: 24 };
const header: NodeSize = { width: 120, height: 34, above: 0, below: 24 };

/** Writes graphs down: groups by the dots in the ids, edges as "a b, a c". */
export class GraphWriter {
  readonly nodes: LayoutNode[] = [];
  readonly edges: LayoutEdge[] = [];
  readonly #known = new Set<string>();

  /** Adds a leaf and the groups around it, in execution order. */
  leaf(id: string): string {
    const parts = id.split(".");
    parts.forEach((_, depth) => {
      const part = parts.slice(0, depth + 1).join(".");
      if (this.#known.has(part)) return;
      this.#known.add(part);
      this.nodes.push({
        id: part,
        parent: depth === 0 ? null : parts.slice(0, depth).join("."),
        isGroup: depth < parts.length - 1,
      });
    });
    return id;
  }

  /** Adds a leaf that reads what others made. */
  reads(id: string, ...sources: string[]): string {
    this.leaf(id);
    for (const source of sources) this.edges.push({ id: `e${this.edges.length}`, source, target: id, tensor: source });
    return id;
  }

  graph(sizes: Record<string, Partial<NodeSize>> = {}): Graph {
    const groups = new Set(this.nodes.filter((node) => node.isGroup).map((node) => node.id));
    const size = (id: string): NodeSize => ({ ...(groups.has(id) ? header : card), ...sizes[id] });
    return { nodes: this.nodes, edges: this.edges, size };
  }
}

export const allGroups = (graph: Graph): Set<string> =>
  new Set(graph.nodes.filter((node) => node.isGroup).map((node) => node.id));

/** Words and characters through a highway and an LSTM; the lengths run beside to the packing and to the mask. */
export function bilstmTagger(): Graph {
  const g = new GraphWriter();
  for (const input of ["words", "chars", "lengths"]) g.leaf(input);
  g.reads("embed", "words");
  g.reads("charcnn.embed", "chars");
  g.reads("charcnn.conv", "charcnn.embed");
  g.reads("charcnn.max", "charcnn.conv");
  g.reads("cat", "embed", "charcnn.max");
  g.reads("dropout", "cat");
  g.reads("highway.gate", "dropout");
  g.reads("highway.proj", "dropout");
  g.reads("highway.sigmoid", "highway.gate");
  g.reads("highway.mul", "highway.sigmoid", "highway.proj");
  g.reads("pack", "highway.mul", "lengths");
  g.reads("encoder.lstm", "pack");
  g.reads("encoder.pad", "encoder.lstm");
  g.reads("mask", "lengths");
  g.reads("head.fc1", "encoder.pad");
  g.reads("head.relu", "head.fc1");
  g.reads("head.fc2", "head.relu");
  g.reads("crf", "head.fc2", "mask");
  g.reads("tags", "crf");
  return g.graph({
    "highway.gate": { above: 22, left: 6, right: 6 },
    "highway.proj": { above: 22, left: 6, right: 6 },
    "head.fc1": { above: 22, left: 6, right: 6 },
  });
}

/** Four stages of bottleneck blocks with residuals; the first block of each has a branch that is a group itself. */
export function resnet50(): Graph {
  const g = new GraphWriter();
  let x = g.leaf("input");
  for (const step of ["conv1", "bn1", "relu", "maxpool"]) x = g.reads(step, x);
  [3, 4, 6, 3].forEach((blocks, stage) => {
    for (let block = 0; block < blocks; block++) {
      const at = `layer${stage + 1}.${block}`;
      let shortcut = x;
      if (block === 0) shortcut = g.reads(`${at}.downsample.1`, g.reads(`${at}.downsample.0`, x));
      for (const step of ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "conv3", "bn3"])
        x = g.reads(`${at}.${step}`, x);
      x = g.reads(`${at}.relu3`, g.reads(`${at}.add`, x, shortcut));
    }
  });
  for (const step of ["avgpool", "flatten", "fc", "output"]) x = g.reads(step, x);
  return g.graph();
}

/** Blocks of attention and a feed-forward net, each with its residual; one mask for all. */
export function transformer(layers: number): Graph {
  const g = new GraphWriter();
  g.leaf("tokens");
  g.leaf("mask");
  let x = g.reads("add", g.reads("embed", "tokens"), g.leaf("positions"));
  for (let layer = 0; layer < layers; layer++) {
    const at = `layers.${layer}`;
    const norm = g.reads(`${at}.norm1`, x);
    const [q, k, v] = ["q", "k", "v"].map((name) => g.reads(`${at}.attention.${name}`, norm));
    const scores = g.reads(`${at}.attention.softmax`, g.reads(`${at}.attention.scores`, q ?? "", k ?? ""), "mask");
    const context = g.reads(`${at}.attention.out`, g.reads(`${at}.attention.context`, scores, v ?? ""));
    x = g.reads(`${at}.add1`, x, context);
    let y = g.reads(`${at}.norm2`, x);
    for (const step of ["fc1", "gelu", "fc2"]) y = g.reads(`${at}.mlp.${step}`, y);
    x = g.reads(`${at}.add2`, x, y);
  }
  g.reads("logits", g.reads("head", g.reads("norm", x)));
  return g.graph();
}

/** Each level down is joined to its level up. */
export function unet(levels: number): Graph {
  const g = new GraphWriter();
  let x = g.leaf("image");
  const block = (at: string, input: string): string =>
    ["conv1", "relu1", "conv2", "relu2"].reduce((y, step) => g.reads(`${at}.${step}`, y), input);
  const skips: string[] = [];
  for (let level = 0; level < levels; level++) {
    const y = block(`down${level}`, x);
    skips.push(y);
    x = g.reads(`pool${level}`, y);
  }
  x = block("bottom", x);
  for (let level = levels - 1; level >= 0; level--) {
    x = block(`up${level}`, g.reads(`cat${level}`, skips[level] ?? "", g.reads(`upsample${level}`, x)));
  }
  g.reads("mask", x);
  return g.graph();
}

/** A long chain in which three nodes of ten also read something from anywhere above. */
export function chainWithSkips(length: number): Graph {
  const g = new GraphWriter();
  const random = seeded(3);
  g.leaf("n0");
  for (let i = 1; i < length; i++) {
    const skips = random() < 0.3 ? [`n${Math.floor(random() * i)}`] : [];
    g.reads(`n${i}`, `n${i - 1}`, ...skips);
  }
  return g.graph();
}

/** A generator of numbers in [0, 1) that gives the same row for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Up to 65 nodes in up to 7 nested groups, most of them open; three in ten have cycles. */
export function randomGraph(seed: number): Graph & { readonly open: Set<string> } {
  const random = seeded(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const nodes: LayoutNode[] = [];
  const groups: (string | null)[] = [null];
  const group = (): string | null => groups[below(groups.length)] ?? null;
  for (let i = below(8); i > 0; i--) {
    nodes.push({ id: `g${i}`, parent: group(), isGroup: true });
    groups.push(`g${i}`);
  }
  const sizes = new Map<string, NodeSize>(
    nodes.map((node) => [node.id, { ...header, height: 30 + below(20), above: below(2) * 20 }]),
  );
  const leaves = 5 + below(60);
  let parent = group();
  for (let i = 0; i < leaves; i++) {
    if (random() < 0.25) parent = group();
    nodes.push({ id: `n${i}`, parent, isGroup: false });
    sizes.set(`n${i}`, {
      width: 40 + below(160),
      height: 24 + below(24),
      above: below(2) * 20,
      below: below(2) * 24,
      left: below(50),
      right: below(50),
    });
  }
  const edges: LayoutEdge[] = [];
  const join = (source: number, target: number): void => {
    edges.push({
      id: `e${edges.length}`,
      source: `n${source}`,
      target: `n${target}`,
      tensor: `n${source}:${below(2)}`,
    });
  };
  const skips = random() < 0.3 ? 0.5 : 0.15;
  const hasCycles = random() < 0.3;
  for (let i = 1; i < leaves; i++) {
    if (random() < 0.93) join(i - 1 - below(Math.min(i, 2)), i);
    if (random() < skips) join(below(i), i);
    if (hasCycles && random() < 0.06) join(i, below(i));
  }
  const open = new Set(nodes.filter((node) => node.isGroup && random() < 0.8).map((node) => node.id));
  const size = (id: string): NodeSize => sizes.get(id) ?? card;
  return { nodes, edges, size, open };
}
