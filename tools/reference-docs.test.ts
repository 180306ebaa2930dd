import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { buildCliPage, buildConfigurationPage, buildPermissionsPage } from './reference-docs.ts'

const read = (page: string): string =>
  readFileSync(new URL(`../docs/reference/${page}.md`, import.meta.url), 'utf8')

test('the page of the command line says what the commands say (else: node tools/reference-docs.ts)', async () => {
  expect(read('cli')).toBe(await buildCliPage())
})

test('the page of permissions has every route (else: node tools/reference-docs.ts)', async () => {
  expect(read('permissions')).toBe(await buildPermissionsPage())
})

test('the page of the configuration has every setting (else: node tools/reference-docs.ts)', () => {
  const settings = readFileSync(new URL('../packages/server/src/config.ts', import.meta.url), 'utf8').match(
    /^ {2}(?:MILLWRIGHT|OTEL)_\w+:/gm,
  )

  expect(read('configuration')).toBe(buildConfigurationPage())
  expect(read('configuration').match(/^\| `(?:MILLWRIGHT|OTEL)_/gm)).toHaveLength(settings!.length)
})
