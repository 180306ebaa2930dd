import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openJournal } from './journal.ts'

let folder: string
let out: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millwright-journal-'))
  out = join(folder, 'out.csv')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const IDENTITY = { 'input file': 'rows.csv 1', model: 'abc', '--keep': null }
const mark = (next: number) => ({ next, rows: next / 10, rejected: 0, out: next, rejects: 0, end: false })

async function begun(...marks: readonly number[]): Promise<void> {
  const journal = await openJournal(out, IDENTITY, false)
  for (const next of marks) await journal.write(mark(next))
  await journal.close(false)
}

test('the last mark is where it goes on, and the one before when the last was cut', async () => {
  await begun(100, 200)
  await appendFile(`${out}.work/journal.ndjson`, '{"next":300,"ro')

  const journal = await openJournal(out, IDENTITY, false)

  expect(journal.mark).toEqual(mark(200))
  await journal.write(mark(400))
  await journal.close(false)
  expect((await readFile(`${out}.work/journal.ndjson`, 'utf8')).split('\n').slice(1, -1)).toEqual(
    [200, 400].map((next) => JSON.stringify(mark(next))),
  )
})

test('another work is refused, in words that say what is other', async () => {
  await begun(100)

  const other = openJournal(out, { ...IDENTITY, model: 'def', '--keep': '["id"]' }, false)

  await expect(other).rejects.toThrow(`${out} was begun with another model, another --keep`)
  const anew = await openJournal(out, { ...IDENTITY, model: 'def' }, true)
  expect(anew.mark.next).toBe(0)
  await anew.close(true)
})

test('a work that failed before anything was scored leaves no folder', async () => {
  await begun()

  await expect(readFile(`${out}.work/journal.ndjson`)).rejects.toThrow('ENOENT')
})

test('a work that is done leaves no folder', async () => {
  await begun(100)
  const journal = await openJournal(out, IDENTITY, false)

  await journal.close(true)

  await expect(readFile(`${out}.work/journal.ndjson`)).rejects.toThrow('ENOENT')
})
