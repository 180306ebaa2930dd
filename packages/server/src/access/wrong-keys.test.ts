import { expect, test } from 'vitest'
import { createWrongKeys, networkOf } from './wrong-keys.ts'

function openWrongKeys(most: number) {
  let now = 0
  const wrongKeys = createWrongKeys(most, () => now)
  const note = (address: string): number => {
    try {
      wrongKeys.note(address)
      return 0
    } catch (error) {
      return (error as { params: { waitSeconds: number } }).params.waitSeconds
    }
  }
  const pass = (ms: number): void => {
    now += ms
  }
  return { note, pass }
}

test('an address that sent too many is refused until its minute is over, and no other is', () => {
  const { note, pass } = openWrongKeys(2)

  const first = [note('10.0.0.1'), note('10.0.0.1'), note('10.0.0.1'), note('10.0.0.2')]
  pass(45_000)
  const later = note('10.0.0.1')
  pass(15_000)

  expect(first).toEqual([0, 0, 60, 0])
  expect([later, note('10.0.0.1')]).toEqual([15, 0])
})

test('so many addresses are remembered and no more: the oldest is forgotten', () => {
  const { note } = openWrongKeys(1)
  note('10.0.0.1')
  for (let i = 0; i < 4_095; i++) note(`10.1.${i >> 8}.${i & 255}`)
  const remembered = note('10.0.0.1')

  note('10.2.0.1')

  expect([remembered, note('10.0.0.1')]).toEqual([60, 0])
})

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['', ''],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
