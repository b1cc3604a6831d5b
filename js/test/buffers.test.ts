import { expect, it } from "vitest";
import { bytesOf, inflated, isBuffer } from "../src/buffers";

const message = Uint8Array.from([9, 9, 1, 2, 3, 9]);

it.each([
  ["an ArrayBuffer", message.slice(2, 5).buffer],
  ["an array", message.slice(2, 5)],
  ["an array inside a larger message", message.subarray(2, 5)],
  ["a view inside a larger message", new DataView(message.buffer, 2, 3)],
])("bytesOf gives the bytes of %s and no others", (_, buffer) => {
  expect([...bytesOf(buffer)]).toEqual([1, 2, 3]);
});

it("isBuffer tells bytes from what was sent as it is", () => {
  expect([message, message.buffer, new DataView(message.buffer)].every(isBuffer)).toBe(true);
  expect([null, {}, [], "x"].some(isBuffer)).toBe(false);
});

it("inflated reads deflated JSON, in whichever wrapping", async () => {
  // zlib.compress(b'{"a":["\u00b7",1]}'), as Python has it.
  const packed = Uint8Array.from(atob("eJyrVkpUsopWOrRdSccwthYAIccEqg=="), (sign) => sign.charCodeAt(0));
  expect(await inflated(packed).json()).toEqual({ a: ["·", 1] });
  expect(await inflated(new DataView(packed.buffer)).json()).toEqual({ a: ["·", 1] });
});
