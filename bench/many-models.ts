import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createClient } from '../packages/client/src/client.ts'
import { type Program, proportionalMemory, startMillwright } from './http/programs.ts'

/**
 * npm run bench:models [-- --models N]: how long a server with many small models takes to start, and what memory it takes.
 * Each deployment has a model of its own: a LightGBM forest whose first leaf was moved a little.
 */
const { values } = parseArgs({ options: { models: { type: 'string', default: '200' } } })
const count = Number(values.models)
const PORT = 7780
const ROOT = new URL('..', import.meta.url).pathname
const FILE = 'packages/engine/test/fixtures/lightgbm-4.7.0/lgb-zero-as-missing/booster.txt'
const text = readFileSync(join(ROOT, FILE), 'utf8')

const modelOf = (index: number) =>
  new TextEncoder().encode(
    text.replace(/^leaf_value=(\S+)/m, (_, value: string) => `leaf_value=${Number(value) + index / 1024}`),
  )

/** Ready when every deployment has answered once. */
async function answersAll(url: string): Promise<boolean> {
  const schema = await (await fetch(`${url}/api/v1/deployments/m0/schema`)).json()
  const row = Object.fromEntries(
    (schema as { inputs: { name: string }[] }).inputs.map(({ name }) => [name, 1]),
  )
  const asked = Array.from({ length: count }, (_, index) =>
    fetch(`${url}/api/v1/deployments/m${index}/predict`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ row }) },
    }).then(async (answer) => (await answer.text()) !== '' && answer.ok),
  )
  return (await Promise.all(asked)).every(Boolean)
}

async function report(what: string, { pids, readySeconds }: Program): Promise<void> {
  await sleep(5_000)
  const each = pids().map((pid) => proportionalMemory([pid]))
  const total = each.reduce((sum, value) => sum + value, 0)
  console.log(
    `${what}: ${readySeconds.toFixed(2)} s, ${total.toFixed(0)} MB PSS in ${each.length} processes (${each.map((mb) => mb.toFixed(0)).join(', ')})`,
  )
}

const data = mkdtempSync(join(tmpdir(), 'millwright-bench-models-'))
const url = `http://127.0.0.1:${PORT}`
const up = (isReady: () => Promise<boolean>) => startMillwright(PORT, 2, ['--data', data], { isReady })

const empty = await up(async () => (await fetch(`${url}/api/v1/status`)).ok)
await report('no model, until it answers', empty)
const client = createClient({ url })
for (let index = 0; index < count; index++) {
  const bytes = modelOf(index)
  const { digest } = await client.upload(bytes, bytes.length)
  const { number } = await client.createVersion(`m${index}`, { digest, filename: 'booster.txt' })
  await client.createDeployment({ name: `m${index}`, model: `m${index}`, version: number })
  if (index % 50 === 49) console.log(`${index + 1} deployed`)
}
await report(`${count} models deployed one by one`, empty)
await empty.stop()
const full = await up(() => answersAll(url))
await report(`${count} models, until each has answered`, full)
await full.stop()
