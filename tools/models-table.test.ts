import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { LATER } from '../packages/engine/src/sklearn/later.ts'
import { supportedNames } from '../packages/engine/src/sklearn/support.ts'
import { modelsPage } from './models-table.ts'

test('the reference page says what the engine serves: run node tools/models-table.ts after a change', () => {
  const page = readFileSync(new URL('../docs/reference/models.md', import.meta.url), 'utf8')

  expect(page).toBe(modelsPage())
})

test('no class is both served and left for later', () => {
  expect(supportedNames().filter((name) => LATER.has(name))).toEqual([])
})
