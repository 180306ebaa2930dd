/**
 * Messages between a gateway and control over one socket: `size` and `id` of four bytes, `code` and the length of the head
 * of two, the head (JSON or nothing), the body. `size` counts what follows it.
 */
export type Frame = {
  /** Of a question, and of its answer. */
  readonly id: number
  /** Status of an answer; 0: a question. */
  readonly code: number
  readonly head: string
  readonly body: Buffer
}

const FIXED = 12
/** Larger frames are nobody's of ours, in bytes. */
const MOST_BYTES = 256 << 20

export function writeFrame({
  id,
  code,
  head,
  body,
}: Omit<Frame, 'body'> & { body: Buffer | string }): Buffer {
  const headBytes = Buffer.byteLength(head)
  const bodyBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  const frame = Buffer.allocUnsafe(FIXED + headBytes + bodyBytes)
  frame.writeUInt32LE(frame.length - 4, 0)
  frame.writeUInt32LE(id, 4)
  frame.writeUInt16LE(code, 8)
  frame.writeUInt16LE(headBytes, 10)
  frame.write(head, FIXED)
  if (typeof body === 'string') frame.write(body, FIXED + headBytes)
  else body.copy(frame, FIXED + headBytes)
  return frame
}

/** Puts what arrives together to frames. @throws RangeError for a frame that is too large */
export function createFrameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let pieces: Buffer[] = []
  let bytes = 0
  let needed = 4
  return (chunk) => {
    pieces.push(chunk)
    bytes += chunk.length
    if (bytes < needed) return
    let rest = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, bytes)
    for (;;) {
      needed = rest.length < 4 ? 4 : 4 + rest.readUInt32LE(0)
      if (needed > MOST_BYTES) throw new RangeError(`a frame of ${needed} bytes`)
      if (rest.length < Math.max(needed, FIXED)) break
      onFrame(frameOf(rest.subarray(0, needed)))
      rest = rest.subarray(needed)
    }
    pieces = rest.length === 0 ? [] : [rest]
    bytes = rest.length
  }
}

function frameOf(bytes: Buffer): Frame {
  const headEnd = FIXED + bytes.readUInt16LE(10)
  return {
    id: bytes.readUInt32LE(4),
    code: bytes.readUInt16LE(8),
    head: bytes.toString('utf8', FIXED, headEnd),
    body: bytes.subarray(headEnd),
  }
}
