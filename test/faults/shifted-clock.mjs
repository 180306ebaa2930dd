import { readFileSync } from 'node:fs'

/** Preloaded into every process of the tree: the wall clock is ahead by the milliseconds that a file says. */
const Clock = globalThis.Date
let offsetMs = 0
const read = () => {
  offsetMs = Number(readFileSync(process.env.TEST_CLOCK_OFFSET, 'utf8'))
}
read()
setInterval(read, 50).unref()

globalThis.Date = class ShiftedDate extends Clock {
  constructor(...args) {
    super(...(args.length === 0 ? [Clock.now() + offsetMs] : args))
  }
  static now() {
    return Clock.now() + offsetMs
  }
}
