import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { compileProgram } from '../packages/engine/src/exec/compiled.ts'
import { estimatorOf, readModelFile } from '../packages/engine/src/formats/read-file.ts'
import { lowerModel } from '../packages/engine/src/sklearn/lower.ts'

/**
 * node bench/text.ts FILE: microseconds of processor time per text of predict in this process, all its threads, beside
 * scikit-learn's, measured one after the other, best of several runs. FILE has lines of label TAB text, such as the SMS
 * Spam Collection; the first half trains, the second is predicted. Set up once with bench/setup-python.sh.
 */
const PYTHON = new URL('.cache/venv/bin/python', import.meta.url)
const FOLDER = new URL('.cache/texts/', import.meta.url)
const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('name a file of label TAB text lines')
if (!existsSync(PYTHON)) throw new Error('no Python to compare with; run bench/setup-python.sh first')
execFileSync(PYTHON.pathname, [new URL('engine/text.py', import.meta.url).pathname, file, FOLDER.pathname])

type Times = { readonly single: number; readonly batch: number }
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'))
const texts = read('texts.json') as string[]
const frameOf = (cells: readonly string[]) => ({ rows: cells.length, cells, numbers: new Float64Array(0) })

console.log(`${texts.length} texts   µs/text   single  sklearn   ratio    batch  sklearn   ratio  different`)
for (const [name, theirs] of Object.entries(read('text-times.json') as Record<string, Times>)) {
  const bytes = readFileSync(new URL(`${name}.joblib`, FOLDER))
  const executable = compileProgram(lowerModel(estimatorOf(readModelFile(bytes))))
  const singles = texts.map((text) => frameOf([text]))
  const ours = {
    single: bestMicros(() => {
      for (const frame of singles) executable.run(frame, ['predict'])
    }),
    batch: bestMicros(() => executable.run(frameOf(texts), ['predict'])),
  }
  const sides = (['single', 'batch'] as const).map((side) => {
    const ratio = `${(theirs[side] / ours[side]).toFixed(1)}×`
    return ours[side].toFixed(2).padStart(9) + theirs[side].toFixed(1).padStart(9) + ratio.padStart(8)
  })
  const labels = read(`${name}.predict.json`) as string[]
  const answers = executable.run(frameOf(texts), ['predict'])[0]!.parts[0]!.data
  const different = labels.filter((label, row) => label !== answers[row]).length
  console.log(`${name.padEnd(18)}${sides.join('')}${String(different).padStart(11)}`)
}

function bestMicros(run: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (const end = performance.now() + 2000; performance.now() < end; ) {
    const start = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, user + system)
  }
  return best / texts.length
}
