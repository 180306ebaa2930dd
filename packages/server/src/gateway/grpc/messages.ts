import { MillwrightError } from '@millwright/contracts/errors'

/** Before each message: whether it is compressed, and its length. */
const HEAD_BYTES = 5
const NO_BYTES = Buffer.alloc(0)

export type Message = { readonly isCompressed: boolean; readonly bytes: Buffer }

/**
 * Cuts what comes into messages (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message).
 * A message that came in one piece is not copied; one in pieces takes at most twice as many bytes as have come,
 * and no more than it says to have.
 */
export class MessageReader {
  readonly #limitBytes: number
  #bytes: Buffer = NO_BYTES
  /** What is not handed over yet: from here … */
  #from = 0
  /** … to here. */
  #to = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** @param piece is kept, and not changed */
  add(piece: Buffer): void {
    const held = this.#to - this.#from
    if (held === 0) {
      this.#bytes = piece
      this.#from = 0
      this.#to = piece.length
      return
    }
    if (this.#to + piece.length > this.#bytes.length) {
      const least = held + piece.length
      const whole = held < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + this.#bytes.readUInt32BE(this.#from + 1)
      const grown = Buffer.allocUnsafeSlow(Math.max(least, Math.min(2 * least, whole)))
      this.#bytes.copy(grown, 0, this.#from, this.#to)
      this.#bytes = grown
      this.#from = 0
      this.#to = held
    }
    this.#to += piece.copy(this.#bytes, this.#to)
  }

  /** The next message that is there whole. @throws MillwrightError BODY_TOO_LARGE, INVALID_MESSAGE */
  next(): Message | undefined {
    const start = this.#from + HEAD_BYTES
    if (start > this.#to) return undefined
    const flag = this.#bytes[this.#from]!
    if (flag > 1) throw unreadable(`starts with ${flag}, expected 0 or 1`)
    const end = start + this.#bytes.readUInt32BE(this.#from + 1)
    if (end - start > this.#limitBytes)
      throw new MillwrightError('BODY_TOO_LARGE', { limitBytes: this.#limitBytes })
    if (end > this.#to) return undefined
    this.#from = end
    return { isCompressed: flag === 1, bytes: this.#bytes.subarray(start, end) }
  }

  /** What came ends with a whole message. */
  get isAtEnd(): boolean {
    return this.#from === this.#to
  }
}

/** A message as it travels, not compressed. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + message.length)
  frame[0] = 0
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, HEAD_BYTES)
  return frame
}

export const unreadable = (detail: string): MillwrightError =>
  new MillwrightError('INVALID_MESSAGE', { name: 'length-prefixed gRPC message', detail })
