import { randomFillSync } from 'node:crypto'

/** Crockford base32: no I, L, O, U, so an id survives being read aloud; the order of the characters is their value. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const PAIRS = Array.from({ length: 1024 }, (_, index) => `${ALPHABET[index >> 5]}${ALPHABET[index & 31]}`)

const TIME_CHARS = 10
const COUNTER_CHARS = 8
const ID = /^(?:[a-z]+_)?([0-7][0-9A-HJKMNP-TV-Z]{25})$/
const BITS_20 = 2 ** 20
const BITS_40 = 2 ** 40

export type IdSource = {
  /** `prefix` + 26 characters; sorts after every id this source gave before. */
  readonly next: (prefix: string) => string
  /** So many ids at once, each spelled when it is asked for. */
  readonly run: (prefix: string, count: number) => (index: number) => string
}

/**
 * Time-sortable ids: 48 bits of milliseconds and 80 bits of chance, 26 characters. Within one millisecond, and when
 * the clock goes back, the last 40 bits count up, so ids of one source never repeat or go back. 40 fresh random bits
 * per millisecond keep the ids of different processes apart.
 */
export function createIdSource(now: () => number = Date.now): IdSource {
  const random = createRandom40()
  let time = -1
  let head = ''
  let counter = 0
  /** Counts one up, on a head of its own time where one has begun. */
  const step = (): void => {
    const current = now()
    if (current > time) {
      time = current
      head = encodeTime(time) + encode40(random())
      counter = Math.floor(random() / 2)
    } else {
      counter += 1
    }
  }
  return {
    next(prefix) {
      step()
      return prefix + head + encode40(counter)
    },
    run(prefix, count) {
      step()
      const first = counter
      const start = prefix + head
      counter += count - 1
      return (index) => start + encode40(first + index)
    },
  }
}

/** The ids of a run, from its first. */
export function idsFrom(first: string): (index: number) => string {
  const start = startOfRun(first)
  const counter = numberOf(first.slice(-COUNTER_CHARS))
  return (index) => start + encode40(counter + index)
}

/** What all ids of a run begin with. */
export const startOfRun = (id: string): string => id.slice(0, -COUNTER_CHARS)

/** Milliseconds at which an id of ours was made; undefined for ids made elsewhere. */
export function timeOfId(id: string): number | undefined {
  const body = ID.exec(id)?.[1]
  if (body === undefined) return undefined
  return numberOf(body.slice(0, TIME_CHARS))
}

function numberOf(text: string): number {
  let value = 0
  for (const char of text) value = value * 32 + ALPHABET.indexOf(char)
  return value
}

function encodeTime(time: number): string {
  return PAIRS[Math.floor(time / BITS_40)]! + encode40(time % BITS_40)
}

/** An integer below 2⁴⁰ as 8 characters. */
function encode40(value: number): string {
  const high = Math.floor(value / BITS_20)
  const low = value % BITS_20
  return PAIRS[high >> 10]! + PAIRS[high & 1023]! + PAIRS[low >> 10]! + PAIRS[low & 1023]!
}

/** Random integers below 2⁴⁰, drawn from the operating system a page at a time. */
function createRandom40(): () => number {
  const pool = Buffer.alloc(4000)
  let position = pool.length
  return () => {
    if (position === pool.length) {
      randomFillSync(pool)
      position = 0
    }
    const value = pool.readUIntBE(position, 5)
    position += 5
    return value
  }
}
