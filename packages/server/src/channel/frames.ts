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

/** Puts what arrives together to frames. Nothing of a chunk is kept. @throws RangeError for a frame of a size that none has */
export function createFrameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  const size = Buffer.alloc(4)
  let frame: Buffer | undefined
  let filled = 0
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      const target = frame ?? size
      const copied = chunk.copy(target, filled, at)
      at += copied
      filled += copied
      if (filled < target.length) return
      if (frame === undefined) frame = beginFrame(size)
      else {
        onFrame(frameOf(frame))
        frame = undefined
        filled = 0
      }
    }
  }
}

function beginFrame(size: Buffer): Buffer {
  const bytes = size.length + size.readUInt32LE(0)
  if (bytes < FIXED || bytes > MOST_BYTES) throw new RangeError(`a frame of ${bytes} bytes`)
  const frame = Buffer.allocUnsafe(bytes)
  size.copy(frame)
  return frame
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
