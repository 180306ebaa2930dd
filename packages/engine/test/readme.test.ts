import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const ROOT = new URL('../../../', import.meta.url).pathname
const [code, printed] = [
  ...readFileSync(new URL('../README.md', import.meta.url), 'utf8').matchAll(/^```(?:js)?\n(.*?)^```$/gms),
].map(([, block]) => block!)

test('the program of the README prints what the README says', () => {
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', code!], { cwd: ROOT })

  expect(out.toString()).toBe(printed)
})
