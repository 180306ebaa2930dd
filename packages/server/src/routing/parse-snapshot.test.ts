import { expect, test } from 'vitest'
import { parseSnapshot } from './parse-snapshot.ts'

const snapshot = { format: 1, epoch: 3, written_at: '2026-01-01T00:00:00.000Z', deployments: [], keys: [] }

test('a snapshot of before there were keys has none', () => {
  const { keys: _, ...before } = snapshot

  expect(parseSnapshot(JSON.stringify(before))).toEqual(snapshot)
})

test('a snapshot of this format is read', () => {
  expect(parseSnapshot(JSON.stringify(snapshot))).toEqual(snapshot)
})

test.each([
  ['of another format', { ...snapshot, format: 2 }],
  ['without an epoch', { ...snapshot, epoch: undefined }],
  ['without deployments', { ...snapshot, deployments: {} }],
  ['that is null', null],
])('a file %s is refused', (_, value) => {
  expect(() => parseSnapshot(JSON.stringify(value))).toThrow('is not of format 1')
})
