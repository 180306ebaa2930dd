import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { buildDashboard } from './grafana-dashboard.ts'

const ROOT = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const compose = read('compose.yaml')

test('the dashboard in deploy/ is the one its table builds (npm run docs)', () => {
  expect(JSON.parse(read('deploy/grafana/dashboards/millwright.json'))).toEqual(buildDashboard())
})

test('the panels of the dashboard do not overlap', () => {
  const cells = buildDashboard().panels.flatMap(({ gridPos: { x, y, w } }) =>
    Array.from({ length: w }, (_, i) => `${x + i},${y}`),
  )

  expect(new Set(cells).size).toBe(cells.length)
})

test('every file compose.yaml mounts exists', () => {
  const mounted = [...compose.matchAll(/- (\.\/[^:]+):/g)].map((match) => match[1]!)

  expect(mounted.length).toBeGreaterThan(0)
  expect(mounted.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})

test('every image of others has an exact version', () => {
  const images = [...`${compose}\n${read('Dockerfile')}`.matchAll(/^\s*(?:image:|FROM) (\S+)/gm)]
    .map((match) => match[1]!)
    .filter((image) => image !== 'millwright')

  expect(images.length).toBeGreaterThan(0)
  expect(images.filter((image) => !/:v?\d+\.\d+(\.\d+)?(-[\w-]+)?$/.test(image))).toEqual([])
})
