import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** Programs in documents, each with what it prints in the block behind it. */
const ROOT = new URL('../../../', import.meta.url).pathname
const PROGRAM = /^```js\n([^`]*(?:`[^`]+`[^`]*)*?)^```\n[^`]*^```\n(.*?)^```$/gms
const programs = ['packages/engine/README.md', 'docs/explanation/engine.md'].flatMap((file) =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(PROGRAM)].map(
    ([, code, printed], i) => [`${file} ${i + 1}`, code!, printed!] as const,
  ),
)

test('there are programs', () => expect(programs).toHaveLength(4))

test.each(programs)('%s prints what is behind it', (_, code, printed) => {
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: ROOT })

  expect(out.toString()).toBe(printed)
})
