interface Arc {
  readonly source: string;
  readonly target: string;
}

interface Entry {
  readonly id: string;
  /** Its index in the given order. */
  readonly place: number;
  readonly readers: Entry[];
  waitsFor: number;
  isDone: boolean;
}

/**
 * Sorts `ids` so that each comes after those it reads from; where that leaves a choice, the given order decides. Where
 * only cycles are left, the first of the given order goes next. Arcs from or to other ids are passed over.
 */
export function topologicalOrder(ids: readonly string[], arcs: Iterable<Arc>): string[] {
  const entries = ids.map((id, place): Entry => ({ id, place, readers: [], waitsFor: 0, isDone: false }));
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  for (const arc of arcs) {
    const source = byId.get(arc.source);
    const target = byId.get(arc.target);
    if (!source || !target || source === target) continue;
    source.readers.push(target);
    target.waitsFor += 1;
  }
  const sorted: string[] = [];
  /** What waits for nothing any more; the earliest place comes last. */
  const ready = entries.filter((entry) => entry.waitsFor === 0).reverse();
  const take = (entry: Entry): void => {
    entry.isDone = true;
    sorted.push(entry.id);
    for (const reader of entry.readers) {
      reader.waitsFor -= 1;
      if (reader.waitsFor === 0 && !reader.isDone) insert(ready, reader);
    }
  };
  for (const entry of entries) {
    for (let next = ready.pop(); next; next = ready.pop()) take(next);
    if (!entry.isDone) take(entry);
  }
  return sorted;
}

/** Puts an entry where `ready` stays sorted. */
function insert(ready: Entry[], entry: Entry): void {
  let low = 0;
  let high = ready.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ready[middle]?.place ?? 0) > entry.place) low = middle + 1;
    else high = middle;
  }
  ready.splice(low, 0, entry);
}
