/** Bytes and seconds as a person reads them, in the units of the plots. */

const BYTES = [
  ["TiB", 2 ** 40],
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["B", 1],
] as const;
const SECONDS = [
  ["s", 1],
  ["ms", 1e-3],
  ["µs", 1e-6],
] as const;

/** "151 MiB" */
export const bytes = (value: number): string => scaled(value, BYTES);

/** "1.25 ms" */
export const seconds = (value: number): string => scaled(value, SECONDS);

function scaled(value: number, units: readonly (readonly [string, number])[]): string {
  const [name, size] = units.find(([, each]) => value >= each) ?? units[units.length - 1] ?? ["", 1];
  const [whole] = String(Math.round(value / size)).split(".");
  const digits = size === 1 && name === "B" ? 0 : Math.max(0, 3 - (whole?.length ?? 0));
  return `${Number((value / size).toFixed(digits))} ${name}`;
}
