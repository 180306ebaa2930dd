import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createIdSource } from '../packages/server/src/ids.ts'
import { encodeRecord, encodeSource } from '../packages/server/src/segments/record.ts'
import { createSegmentWriter } from '../packages/server/src/segments/writer.ts'

/** What logging a prediction costs a gateway: `node bench/segments.ts [records]`. */
const RECORDS = Number(process.argv[2] ?? 200_000)
const PER_TURN = 50

const folder = mkdtempSync(join(tmpdir(), 'millwright-bench-'))
const ids = createIdSource()
const writer = createSegmentWriter({
  folder,
  flushMs: 50,
  backlogBytes: 64 << 20,
  segmentBytes: 16 << 20,
  segmentMs: 60_000,
})
const source = encodeSource({
  deployment: 'churn',
  model: 'churn',
  version: 3,
  versionLabel: 'v3',
  digest: 'a'.repeat(64),
  variant: 'stable',
  weight: null,
})
const row = {
  featuresJson: JSON.stringify({
    days_since_last_order: 12,
    total_orders: 3,
    lifetime_value: 120.5,
    email_open_rate: 0.3,
  }),
  outputsJson: '{"prediction":1,"probabilities":{"0":0.25,"1":0.75}}',
  decisionJson: '{"score":0.75,"outcome":"positive"}',
  score: 0.75,
  label: '1',
  subject: 'customer-1',
  requestId: 'req_01M7XX3VQZ9W0E755G40PYXG1J',
}

let encodeMs = 0
let appendMs = 0
const cpu = process.cpuUsage()
for (let done = 0; done < RECORDS; done += PER_TURN) {
  const start = performance.now()
  const records = Array.from({ length: PER_TURN }, () =>
    encodeRecord(source, { ...row, id: ids.next('prd_'), timeMs: Date.now(), latencyUs: 55 }),
  )
  const encoded = performance.now()
  for (const record of records) writer.append(record)
  encodeMs += encoded - start
  appendMs += performance.now() - encoded
  await nextTurn()
}
await writer.close()
const { user, system } = process.cpuUsage(cpu)

console.log(
  `${RECORDS} records, ${writer.stats.segments} segments, dropped ${JSON.stringify(writer.stats.dropped)}`,
)
console.log(`encode          ${((encodeMs * 1000) / RECORDS).toFixed(2)} µs per record`)
console.log(`append          ${((appendMs * 1000) / RECORDS).toFixed(2)} µs per record`)
console.log(
  `all CPU         ${((user + system) / RECORDS).toFixed(2)} µs per record, all threads, writing included`,
)
rmSync(folder, { recursive: true })
