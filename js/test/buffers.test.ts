import { expect, it } from "vitest";
import { bytesOf } from "../src/buffers";

const message = Uint8Array.from([9, 9, 1, 2, 3, 9]);

it.each([
  ["an ArrayBuffer", message.slice(2, 5).buffer],
  ["an array", message.slice(2, 5)],
  ["an array inside a larger message", message.subarray(2, 5)],
  ["a view inside a larger message", new DataView(message.buffer, 2, 3)],
])("bytesOf gives the bytes of %s and no others", (_, buffer) => {
  expect([...bytesOf(buffer)]).toEqual([1, 2, 3]);
});
