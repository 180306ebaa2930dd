import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { folderBlobs } from '../blobs/folder.ts'
import { createKeyedAnswersStore, type KeyedAnswersStore } from '../gateway/precomputed/answers.ts'
import type { RoutedDeployment } from '../routing/snapshot.ts'
import { buildIndex } from './build-index.ts'
import { LINE_BYTES } from './line.ts'

let folder: string
let blobs: ReturnType<typeof folderBlobs>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millwright-keys-'))
  blobs = folderBlobs(join(folder, 'blobs'), folder)
})
afterEach(() => {
  for (const keyed of opened.splice(0)) keyed.keep([])
})
afterAll(() => rm(folder, { recursive: true }))

const opened: KeyedAnswersStore[] = []

/** Files of this process that are open below the folder; the garbage collector ends a process that leaves one to it. */
async function openFiles(): Promise<string[]> {
  const links = (await readdir('/proc/self/fd')).map((fd) =>
    readlink(join('/proc/self/fd', fd)).catch(() => ''),
  )
  return (await Promise.all(links)).filter((path) => path.startsWith(folder))
}

const line = (key: string, prediction: unknown): string => JSON.stringify({ key, prediction: { prediction } })
const store = async (text: string | Buffer) => (await blobs.put(Readable.from([Buffer.from(text)]))).digest

async function openAnswers(text: string) {
  const answers = await store(text)
  const { bytes, ...counts } = await buildIndex(blobs, answers)
  const index = await store(bytes)
  const keyed = createKeyedAnswersStore(blobs)
  opened.push(keyed)
  const routed = { precomputed: { answers, index } } as RoutedDeployment
  return { ...counts, find: (key: string) => keyed.of(routed)!.find(key), keyed, answers }
}

test('every key of many finds its own answer, and others none', async () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `CUST_${index}`)
  const { find, ...counts } = await openAnswers(keys.map((key, index) => `${line(key, index)}\n`).join(''))

  expect(counts).toMatchObject({ keys: 20_000, replaced: 0 })
  for (let index = 0; index < keys.length; index += 7)
    expect(await find(keys[index]!)).toEqual({ prediction: index })
  for (const key of ['CUST_20000', 'cust_1', '', ' CUST_1', '\u0000', '💡'])
    expect(await find(key)).toBeUndefined()
})

test('of equal keys the last counts; blank lines and a last line without end are read', async () => {
  const long = 'x'.repeat(50_000)
  const text = [line('a', 1), '', line('💡/?', long), line('a', 2), '  ', line('b', null)].join('\n')
  const { find, ...counts } = await openAnswers(text)

  expect(counts).toMatchObject({ keys: 3, replaced: 1 })
  expect(await find('a')).toEqual({ prediction: 2 })
  expect(await find('b')).toEqual({ prediction: null })
  expect(await find('💡/?')).toEqual({ prediction: long })
})

test.each([
  ['nothing', '', 'got an empty file'],
  ['no JSON', `${line('a', 1)}\nsecret-row\n`, 'line 2: expected JSON'],
  ['a list', '[1]', 'line 1: expected an object, got a list'],
  ['no key', '{"prediction":{"prediction":1}}', 'line 1: "key": expected text'],
  ['an empty key', line('', 1), 'line 1: "key": expected text'],
  ['a long key', line('k'.repeat(129), 1), 'line 1: "key": expected text of 1 to 128 characters'],
  ['no prediction', '{"key":"a","prediction":3}', 'line 1: "prediction": expected an object'],
  ['a long line', `${line('a', 1)}\n${line('b', 'x'.repeat(LINE_BYTES))}\n`, 'line 2: expected at most'],
])('a file with %s is refused, and not repeated', async (_, text, reason) => {
  const error = await buildIndex(blobs, await store(text)).catch((fault) => fault)

  expect(error).toMatchObject({ code: 'VALIDATION_FAILED' })
  expect(error.fields[0].message).toContain(reason)
  expect(error.fields[0].message).not.toContain('secret')
})

test('files that are gone are an error that passes', async () => {
  const { answers, ...one } = await openAnswers(`${line('a', 1)}\n`)
  await blobs.delete(answers)

  await expect(one.find('a')).rejects.toMatchObject({ code: 'PRECOMPUTED_UNREADABLE', status: 503 })
  if (process.platform === 'linux') await expect.poll(openFiles).toEqual([])
  await store(`${line('a', 1)}\n`)
  expect(await one.find('a')).toEqual({ prediction: 1 })
})

test('who looks for a key while answers are replaced finds it', async () => {
  const { find, keyed } = await openAnswers(`${line('a', 1)}\n`)
  await find('a')

  const looking = find('a')
  keyed.keep([])

  expect(await looking).toEqual({ prediction: 1 })
  expect(await find('a')).toEqual({ prediction: 1 })
})
