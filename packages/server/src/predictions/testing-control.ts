import { layoutOf } from '../layout.ts'
import { openQuietLog } from './testing.ts'

/**
 * Compacts and merges until it is killed. Arguments: data folder, what the clock says in milliseconds.
 * For the test that kills it.
 */
const [folder = '', nowMs = ''] = process.argv.slice(2)
const log = await openQuietLog(layoutOf(folder), { now: () => Number(nowMs) })
process.on('disconnect', () => process.exit())
process.send?.('ready')
for (;;) {
  await log.compact()
  await log.tidy()
}
