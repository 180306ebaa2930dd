import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { buildMetricsPage } from './metrics-page.ts'

test('the page of metrics has every metric (else: node tools/metrics-page.ts)', async () => {
  const page = readFileSync(new URL('../docs/reference/metrics.md', import.meta.url), 'utf8')

  expect(page).toBe(await buildMetricsPage())
})
