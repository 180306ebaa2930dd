import { createSegmentWriter } from './writer.ts'

/**
 * Writes numbered records until it is killed, and tells how many are written. Arguments: folder, name of the run.
 * For the test that kills it.
 */
const [folder = '', run = ''] = process.argv.slice(2)
const writer = createSegmentWriter({
  folder,
  flushMs: 2,
  backlogBytes: 64 << 20,
  segmentBytes: 200_000,
  segmentMs: 60_000,
})

let next = 0
setInterval(() => {
  for (let count = 0; count < 50; count++) {
    writer.append(JSON.stringify({ run, number: next++, filler: 'x'.repeat(next % 700) }))
  }
  process.send?.(writer.stats.written)
}, 1)
process.on('disconnect', () => process.exit())
