import { expect, test } from 'vitest'
import { createDigestGuard } from './digest-guard.ts'

test('a digest is not deleted while it is written, by any of its writers', async () => {
  const guard = createDigestGuard()
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const done: string[] = []
  const deleteIt = () => guard.delete('a', async () => void done.push('deleted'))

  const writes = [guard.write('a', () => first.promise), guard.write('a', () => second.promise)]
  await deleteIt()
  first.resolve()
  await writes[0]
  await deleteIt()
  await guard.delete('b', async () => void done.push('b deleted'))
  second.resolve()
  await writes[1]
  expect(done).toEqual(['b deleted'])

  await deleteIt()
  expect(done).toEqual(['b deleted', 'deleted'])
})

test('a write waits for a deletion under way, also for one that fails', async () => {
  const guard = createDigestGuard()
  const { promise, reject } = Promise.withResolvers<void>()
  const done: string[] = []

  const deletion = guard.delete('a', () => promise)
  const write = guard.write('a', async () => void done.push('written'))
  await new Promise(setImmediate)
  expect(done).toEqual([])
  reject(new Error('gone'))

  await expect(deletion).rejects.toThrow('gone')
  await write
  expect(done).toEqual(['written'])
})
