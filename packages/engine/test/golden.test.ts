import { describe, expect, test } from 'vitest'
import { compileProgram } from '../src/exec/compiled.ts'
import { interpret } from '../src/exec/reference.ts'
import { listCases } from './fixture.ts'
import { faultsOf } from './run-case.ts'

const EXECUTORS = [
  { name: 'reference', build: interpret },
  { name: 'compiled', build: compileProgram },
]

describe('the models carried by the repository give the answers of the library that wrote them', () => {
  const cases = listCases(new URL('./fixtures', import.meta.url).pathname)

  test.each(cases.map((golden) => [golden.name, golden] as const))('%s', (_, golden) => {
    expect(faultsOf(golden, EXECUTORS)).toEqual([])
  })
})
