import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadModel } from '../packages/engine/src/library/load-model.ts'
import { bundleForBrowsers } from './browser-bundle.ts'

/** The engine as a page gets it, run by Node in place of the page. */
const FIXTURES = new URL('../packages/engine/test/fixtures/', import.meta.url).pathname
const MOST_BYTES = 100_000
const folder = mkdtempSync(join(tmpdir(), 'millwright-bundle-'))
/** Notes every file that is imported, loads a model, answers rows. */
const PAGE = `
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
const files = []
registerHooks({ load: (url, context, next) => (files.push(url), next(url, context)) })
const { loadModel } = await import(process.argv[2])
const bytes = new Uint8Array(readFileSync(FILE))
const { stdout } = process
delete globalThis.Buffer
delete globalThis.process
const model = await loadModel(bytes)
stdout.write(JSON.stringify({ files, answers: model.methods.map((method) => model.answer(method, ROWS)) }))
`

beforeAll(async () => {
  await bundleForBrowsers(folder)
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
})
afterAll(() => rmSync(folder, { recursive: true }))

type Page = { readonly files: readonly string[]; readonly answers: unknown }

const gzipped = (files: readonly string[]): number =>
  files.reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file)), { level: 9 }).length, 0)

const input = (name: string): { rows: number[][] } =>
  JSON.parse(readFileSync(join(FIXTURES, name, '../input.json'), 'utf8')) as { rows: number[][] }

describe('a model in a page', () => {
  const models = [
    'scikit-learn-1.3.2/rf-three-names/model.p5.pkl',
    'scikit-learn-1.3.2/rf-three/model.joblib.gz',
    'scikit-learn-1.5.2/churn-grid/model.p2.pkl',
    'scikit-learn-1.3.2/rf-three/model.joblib.xz',
    'skops-0.16.0/tree-multi-output/model.deflated.skops',
    'scikit-learn-1.7.2/spam-tfidf-logistic/model.compress3.joblib',
    'xgboost-2.1.4/xgb-dart/model.bin',
  ]

  test.each(models)('%s costs at most 100 kB, and answers as in Node', async (name) => {
    const { rows } = input(name)
    const script = PAGE.replace('FILE', JSON.stringify(join(FIXTURES, name))).replace(
      'ROWS',
      JSON.stringify(rows),
    )
    writeFileSync(join(folder, 'page.mjs'), script)
    const model = await loadModel(new Uint8Array(readFileSync(join(FIXTURES, name))))

    const out = execFileSync(process.execPath, [join(folder, 'page.mjs'), join(folder, 'engine.js')])

    const { files, answers } = JSON.parse(out.toString()) as Page
    const bytes = gzipped(files.filter((file) => file.startsWith('file:')))
    console.log(`${name}: ${(bytes / 1000).toFixed(1)} kB gzipped in ${files.length} files`)
    expect(files.map((file) => basename(file))).toContain('engine.js')
    expect(bytes).toBeLessThan(MOST_BYTES)
    expect(answers).toEqual(
      JSON.parse(JSON.stringify(model.methods.map((method) => model.answer(method, rows)))),
    )
  })

  test('fetches the kernel for batches when it asks for large ones, and answers the same', () => {
    const name = 'xgboost-2.1.4/xgb-dart/model.bin'
    const large = PAGE.replace(
      /stdout\.write.*/,
      `const many = Array.from({ length: 500 }, (_, i) => rows[i % rows.length])
const [before, answers] = [files.length, new Set()]
for (let i = 0; i < 100; i++) {
  answers.add(JSON.stringify(model.answer('predict', many)))
  await new Promise((resolve) => setTimeout(resolve))
}
stdout.write(JSON.stringify({ fetched: files.length - before, answers: answers.size }))`,
    )
    const script = large
      .replace('FILE', JSON.stringify(join(FIXTURES, name)))
      .replace('const bytes', `const rows = ${JSON.stringify(input(name).rows)}\nconst bytes`)
    writeFileSync(join(folder, 'batches.mjs'), script)

    const out = execFileSync(process.execPath, [join(folder, 'batches.mjs'), join(folder, 'engine.js')])

    expect(JSON.parse(out.toString())).toEqual({ fetched: 1, answers: 1 })
  })
})
