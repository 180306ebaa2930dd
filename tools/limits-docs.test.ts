import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Limits } from '../packages/contracts/src/deployment.ts'
import { loadConfig } from '../packages/server/src/config.ts'
import { NOT_APPLICABLE } from '../test/attacks/not-applicable.ts'

const page = readFileSync(new URL('../docs/reference/limits.md', import.meta.url), 'utf8')
const told = [...page.matchAll(/^\| `(MILLWRIGHT_\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [
  name,
  Number(value),
])

/** Settings with a number that limits nothing of a caller's. */
const OTHERS =
  /_PORT$|_GATEWAYS$|_SLOT$|_LOG_|_SEGMENT_|_RETENTION_|_DRAIN_MS$|_STOP_GRACE_MS$|_STANDSTILL_MS$|_ACK_TIMEOUT_MS$|_JOB_KEPT_MS$|_BATCH_WAIT_MS$|^OTEL_/

test('the page of limits tells every setting that is one, with its real default', () => {
  const limits = Object.entries(loadConfig({})).filter(
    ([name, value]) => typeof value === 'number' && !OTHERS.test(name),
  )

  expect(told.length).toBeGreaterThan(20)
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(limits))
})

test('and every limit of a deployment', () => {
  const fields = [...page.matchAll(/^\| `([a-z]\w+)` \|/gm)].map(([, name]) => name)

  expect(fields.sort()).toEqual(Object.keys(Limits.shape).sort())
})

test('and the attacks that do not apply, with the reasons of the suite', () => {
  const attacks = [...page.matchAll(/^\| .* \(S(\d+)\) \| (.+) \|$/gm)].map(([, number, reason]) => [
    number,
    reason,
  ])

  expect(Object.fromEntries(attacks)).toEqual(NOT_APPLICABLE)
})
