import { expect, test } from 'vitest'
import { createSampler } from './sampler.ts'

const LOW = `${'f'.repeat(19)}0000000000001`
const HIGH = `${'0'.repeat(19)}fffffffffffff`
const parent = (isSampled: boolean) => ({ traceId: LOW, spanId: '1'.repeat(16), isSampled, state: undefined })

test.each([
  ['always_on', 0, undefined, [true, true]],
  ['always_off', 1, undefined, [false, false]],
  ['traceidratio', 0.5, undefined, [true, false]],
  ['traceidratio', 1, undefined, [true, true]],
  ['traceidratio', 0, undefined, [false, false]],
  ['traceidratio', 0.5, false, [true, false]],
  ['always_on', 1, false, [true, true]],
  ['parentbased_always_on', 1, undefined, [true, true]],
  ['parentbased_always_on', 1, false, [false, false]],
  ['parentbased_always_off', 1, undefined, [false, false]],
  ['parentbased_always_off', 1, true, [true, true]],
  ['parentbased_traceidratio', 0.5, undefined, [true, false]],
  ['parentbased_traceidratio', 0.5, true, [true, true]],
  ['parentbased_traceidratio', 0.5, false, [false, false]],
] as const)('%s %d with a caller who says %s', (name, ratio, sampled, recorded) => {
  const sampler = createSampler(name, ratio)
  const caller = sampled === undefined ? undefined : parent(sampled)

  expect([LOW, HIGH].map((traceId) => sampler(caller, traceId))).toEqual(recorded)
})
