import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answer, Method } from '../../packages/engine/src/ir/program.ts'
import { loadModel } from '../../packages/engine/src/library/load-model.ts'
import { differences, readCase, readExpected, readInput } from '../../packages/engine/test/fixture.ts'
import { bundleForBrowsers } from '../../tools/browser-bundle.ts'
import { CHROMIUM, FLAGS } from './chromium.ts'

const installed = existsSync(CHROMIUM)
const FIXTURES = new URL('../../packages/engine/test/fixtures', import.meta.url).pathname
const MOST_BYTES = 100_000

/** Runs in the page. Numbers travel as text, which keeps −0 and NaN apart. */
const ASK = `async ({ file, rows, methods }) => {
  const { loadModel } = await import('/engine.js')
  const model = await loadModel(await (await fetch(file)).arrayBuffer())
  const text = (value) => (Object.is(value, -0) ? '-0' : String(value))
  return methods.map((method) =>
    model.answer(method, rows).parts.map(({ data }) => Array.from(data, text)))
}`

const textsOf = ({ parts }: Answer): string[][] =>
  parts.map(({ data }) =>
    Array.from(data as ArrayLike<unknown>, (value) => (Object.is(value, -0) ? '-0' : String(value))),
  )

describe.skipIf(!installed)('the engine in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millwright-browser-'))
  let server: Server
  let browser: Browser
  let codeBytes = 0

  beforeAll(async () => {
    await bundleForBrowsers(folder)
    server = createServer(({ url = '/' }, response) => {
      const path = [join(folder, url), join(FIXTURES, url)].find(
        (file) => extname(file) !== '' && existsSync(file),
      )
      const content = path === undefined ? '<!doctype html><title>engine</title>' : readFileSync(path)
      if (url.endsWith('.js')) codeBytes += gzipSync(content, { level: 9 }).length
      response.writeHead(200, { 'content-type': url.endsWith('.js') ? 'text/javascript' : 'text/html' })
      response.end(content)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
  })
  afterAll(async () => {
    await browser?.close()
    server?.close()
    rmSync(folder, { recursive: true })
  })

  test.each([
    ['scikit-learn-1.3.2/rf-three-names', 'model.p5.pkl'],
    ['scikit-learn-1.3.2/rf-three', 'model.joblib.gz'],
    ['scikit-learn-1.7.2/spam-tfidf-logistic', 'model.compress3.joblib'],
    ['xgboost-2.1.4/xgb-dart', 'model.bin'],
  ])('%s %s answers as in Node and as its library', async (name, file) => {
    const golden = readCase(FIXTURES, name)
    const rows = readInput(golden).rows as string[][]
    const model = await loadModel(new Uint8Array(readFileSync(join(FIXTURES, name, file))))
    const { methods } = model
    const expected = readExpected(golden)
    codeBytes = 0
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)

    const answers = await page.evaluate<string[][][]>(
      `(${ASK})(${JSON.stringify({ file: `/${name}/${file}`, rows, methods })})`,
    )

    console.log(`${name}: ${(codeBytes / 1000).toFixed(1)} kB of code, gzipped`)
    const here = methods.map((method) => model.answer(method, rows))
    expect(answers).toEqual(here.map(textsOf))
    for (const answer of here)
      if (expected[answer.name] !== undefined)
        expect(differences(answer, expected[answer.name], contractOf(golden, answer.name))).toEqual([])
    expect(codeBytes).toBeGreaterThan(10_000)
    expect(codeBytes).toBeLessThan(MOST_BYTES)
    await page.close()
  })
})

const contractOf = ({ meta }: ReturnType<typeof readCase>, method: Method): string =>
  meta.contracts?.[method] ?? meta.contract
