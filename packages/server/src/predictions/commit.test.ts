import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { commitReplacement, recoverCommits } from './commit.ts'

let root = ''
const at = (...path: string[]) => join(root, ...path)
const stagingRoot = () => at('p', '.staging')

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millwright-commit-'))
  mkdirSync(at('p', '.staging', 'one'), { recursive: true })
  mkdirSync(at('s'))
  writeFileSync(at('s', 'old'), 'old')
  writeFileSync(at('p', '.staging', 'one', '0'), 'new')
})

afterEach(() => rmSync(root, { recursive: true }))

/** As it looks when the process died right after the commit was written. */
function writeCommitOnly() {
  const commit = { moves: [{ from: '0', to: 'p/day/file' }], removes: ['s/old'] }
  writeFileSync(at('p', '.staging', 'one', 'commit.json'), JSON.stringify(commit))
}

function expectReplaced() {
  expect(readFileSync(at('p', 'day', 'file'), 'utf8')).toBe('new')
  expect([existsSync(at('s', 'old')), existsSync(at('p', '.staging', 'one'))]).toEqual([false, false])
}

test('staged files take the place of others', async () => {
  const moves = [{ from: '0', to: at('p', 'day', 'file') }]

  await commitReplacement({ root, staging: at('p', '.staging', 'one'), moves, removes: [at('s', 'old')] })

  expectReplaced()
})

test('what was not committed is cleared, and nothing else changes', async () => {
  await recoverCommits(root, stagingRoot())

  expect(readFileSync(at('s', 'old'), 'utf8')).toBe('old')
  expect(existsSync(at('p', '.staging', 'one'))).toBe(false)
})

test('what was committed is finished', async () => {
  writeCommitOnly()

  await recoverCommits(root, stagingRoot())

  expectReplaced()
})

test('what was committed and half carried out is finished', async () => {
  writeCommitOnly()
  mkdirSync(at('p', 'day'))
  writeFileSync(at('p', 'day', 'file'), 'new')
  rmSync(at('p', '.staging', 'one', '0'))

  await recoverCommits(root, stagingRoot())

  expectReplaced()
})

test('a data folder that was moved meanwhile is finished where it is now', async () => {
  writeCommitOnly()
  const moved = `${root}-moved`
  renameSync(root, moved)
  root = moved

  await recoverCommits(root, stagingRoot())

  expectReplaced()
})
