import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { engineReader } from './engine-reader.ts'

const LIMITS = { maxHeapMib: 512, deadlineMs: 60_000, maxBytes: 1 << 20 }
const host = { memoryMib: 512, loadMs: 20_000, runMs: 20_000 }
const onnx = (name: string) =>
  readFile(new URL(`../../../runtime/test/fixtures/${name}.onnx`, import.meta.url))
const sample = { rows: [{ 'x[0]': 1000, 'x[1]': 0 }] }

test('a model that computes on for the sample is refused', async () => {
  const read = engineReader({ ...LIMITS, host: { ...host, runMs: 2_000 } })

  await expect(read(await onnx('endless'), sample)).rejects.toThrow(
    'on rows made to try it out, the model took longer than 2000 ms',
  )
})

test('a model that takes too much memory for the sample is refused', async () => {
  const read = engineReader({ ...LIMITS, host })

  await expect(read(await onnx('hungry'), sample)).rejects.toThrow(
    'on rows made to try it out, the model took more memory than it may',
  )
})
