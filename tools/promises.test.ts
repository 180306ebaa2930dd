import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = new URL('..', import.meta.url).pathname
const PAGE = readFileSync(join(ROOT, 'docs/explanation/promises.md'), 'utf8')

type Proof = { readonly file: string; readonly name: string }

const proofsOf = (text: string): Proof[] =>
  [...text.matchAll(/^- `(\S+\.test\.ts)`: "(.+)"$/gm)].map(([, file, name]) => ({
    ...{ file: file!, name: name! },
  }))
const promises = PAGE.split(/^## /m).filter((section) => /^R\d+ /.test(section))

test.each(proofsOf(PAGE))('$file has the test "$name"', ({ file, name }) => {
  const path = join(ROOT, file)

  expect(existsSync(path)).toBe(true)
  const source = readFileSync(path, 'utf8')
  expect(["'", '"', '`'].some((quote) => source.includes(`${quote}${name}${quote},`))).toBe(true)
})

test('every promise has a test, and a figure that was seen', () => {
  const unproved = promises.filter((section) => proofsOf(section).length === 0)
  const unseen = promises.filter((section) => !/\bSeen\b|^\|/m.test(section))

  expect(promises.length).toBeGreaterThan(10)
  expect(unproved.map((section) => section.split('\n')[0])).toEqual([])
  expect(unseen.map((section) => section.split('\n')[0])).toEqual([])
})
