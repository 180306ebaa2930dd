/**
 * Gives back the memory of a piece of a body that nobody needs any more. Pieces come in buffers of 64 kB each, and what is
 * only left to the collector makes it run every few megabytes: a large upload cost more in collections than in all else.
 * A piece that shares its buffer with others is left alone, and so is one that was released.
 */
export function releasePiece({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength > 0 && buffer.byteLength === byteLength) buffer.transfer(0)
}
