/** Bytes that come from the kernel, which hosts hand over in different wrappings. */

/** The bytes of a buffer and no others: a view may be a window into a larger message. */
export function bytesOf(buffer: ArrayBuffer | ArrayBufferView): Uint8Array {
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer)
    : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** Whether a value of a trait came as bytes. */
export function isBuffer(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

/** What was sent deflated. */
export function inflated(buffer: ArrayBuffer | ArrayBufferView): Response {
  const bytes = bytesOf(buffer) as Uint8Array<ArrayBuffer>;
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")));
}
