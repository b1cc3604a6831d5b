/** The buffers of a message, which hosts hand over in different wrappings. */

/** The bytes of a buffer and no others: a view may be a window into a larger message. */
export function bytesOf(buffer: ArrayBuffer | ArrayBufferView): Uint8Array {
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer)
    : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
