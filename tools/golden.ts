import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { interpret } from '../packages/engine/src/exec/reference.ts'
import { listCases } from '../packages/engine/test/fixture.ts'
import { type Executor, faultsOf } from '../packages/engine/test/run-case.ts'

/**
 * node tools/golden.ts [filter …] [--root DIR] [--ref] [--show N] [--failed] [--later]: runs golden cases and prints
 * what differs; with --later, writes those that are refused as not served yet to the list the golden suite keeps. */
const LATER = new URL('../test/golden/left-for-later.json', import.meta.url)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    root: { type: 'string', default: new URL('../../shared/fixtures/models', import.meta.url).pathname },
    ref: { type: 'boolean', default: false },
    show: { type: 'string', default: '3' },
    failed: { type: 'boolean', default: false },
    later: { type: 'boolean', default: false },
  },
})

const executors: Executor[] = [{ name: 'reference', build: interpret }]
if (!values.ref) {
  const compiled = await import('../packages/engine/src/exec/compiled.ts').catch(() => undefined)
  if (compiled !== undefined) executors.push({ name: 'compiled', build: compiled.compileProgram })
}

const REFUSED = /refused \((format|unsupported|unknown|limit)\)/
const cases = listCases(values.root).filter(
  ({ name }) => positionals.length === 0 || positionals.some((filter) => name.includes(filter)),
)
let passed = 0
const later: string[] = []
for (const golden of cases) {
  const faults = faultsOf(golden, executors)
  if (faults.length === 0) passed++
  else if (faults.every((fault) => REFUSED.test(fault))) later.push(golden.name)
  if (faults.length > 0 || !values.failed)
    console.log(`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${golden.name}`)
  for (const fault of faults.slice(0, Number(values.show))) console.log(`       ${fault}`)
}
console.log(`${passed} passed, ${cases.length - passed} failed`)
if (values.later) writeFileSync(LATER, `${JSON.stringify(later, null, 2)}\n`)
process.exitCode = passed === cases.length ? 0 : 1
