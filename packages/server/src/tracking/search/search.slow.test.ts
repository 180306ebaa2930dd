import fc from 'fast-check'
import type { Selectable } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../../control/testing.ts'
import { type Db, openDatabase } from '../../db/database.ts'
import type { Tables } from '../../db/tables.ts'
import { databaseIn } from '../../db/testing.ts'
import { createExperiment } from '../experiments.ts'
import { type Clause, printFilter } from '../filter/filter.ts'
import type { Order } from '../filter/order.ts'
import { putMetrics } from '../metrics.ts'
import { createRun, findRow, putParams, putTags, updateRun } from '../runs.ts'
import { SEARCHED_RUNS } from './entities.ts'
import { search } from './search.ts'

/** Searches held against plain loops over the same runs. On PostgreSQL by `npm run test:postgres`. */

const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'aB',
  'b',
  'é',
  'É',
  'a%',
  'a_',
  'a*',
  '[a]',
  'a?b',
  '\\',
  'a\\b',
  '😀',
  "it's",
  '10',
  '9',
  // Equal as far as an index holds them.
  `${'a'.repeat(40)}x`,
  `${'a'.repeat(40)}y`,
  `${'😀'.repeat(40)}x`,
  `${'😀'.repeat(40)}y`,
]
const NUMBERS = [0, -1, 1, 0.5, 1e300, -1e300, 5e-324, 2 ** 53, 3, Number.NaN, Infinity, -Infinity]

type Known = {
  readonly run_id: string
  readonly run_name: string
  readonly user_id: string
  readonly start_time: number
  readonly end_time: number | null
  readonly metric: ReadonlyMap<string, number>
  readonly param: ReadonlyMap<string, string>
  readonly tag: ReadonlyMap<string, string>
}

/** Every value beside every other, and each missing somewhere. */
const RUNS: readonly Known[] = Array.from({ length: 60 }, (_, i) => ({
  run_id: `${['b', 'B', '0', 'z'][i % 4]}${i}`,
  run_name: TEXTS[(i * 7) % TEXTS.length] || 'named',
  user_id: TEXTS[(i * 5) % TEXTS.length]!,
  start_time: [0, 5, 5, 2 ** 53, 1_700_000_000_000][i % 5]!,
  end_time: i % 3 === 0 ? null : i % 7,
  metric: new Map(i % 4 === 3 ? [] : [['m', NUMBERS[i % NUMBERS.length]!]]),
  param: new Map(i % 5 === 4 ? [] : [['p', TEXTS[(i * 3) % TEXTS.length]!]]),
  tag: new Map(i % 6 === 5 ? [] : [['t', TEXTS[i % TEXTS.length]!]]),
}))

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let db: Db
beforeAll(async () => {
  folder = await temporaryFolder()
  db = await openDatabase(await databaseIn(folder.path))
  const root = { artifactLocation: undefined, artifactRoot: 'mlflow-artifacts:/', tags: [], now: 0 }
  const experiment = String(await createExperiment(db, { name: 'searched', ...root }))
  for (const known of RUNS) {
    const { run_id: runId, run_name: name, user_id: userId, start_time: startTime, end_time: endTime } = known
    await createRun(db, { experiment, runId, name, userId, startTime, tags: [] })
    if (endTime !== null) await updateRun(db, runId, { endTime })
    const row = await findRow(db, runId)
    const metrics = [...known.metric].map(([key, value]) => ({ key, value, timestamp: 0, step: 0 }))
    await putMetrics(db, row.id, metrics)
    await putParams(
      db,
      row,
      [...known.param].map(([key, value]) => ({ key, value })),
    )
    await putTags(
      db,
      row.id,
      [...known.tag].map(([key, value]) => ({ key, value })),
    )
  }
})
afterAll(async () => {
  await db.destroy()
  await folder[Symbol.asyncDispose]()
})

type Value = number | string | null | undefined
const valueIn = (run: Known, { kind, key }: Pick<Clause, 'kind' | 'key'>): Value => {
  if (kind === 'attribute') return run[key as 'run_id' | 'run_name' | 'user_id' | 'start_time' | 'end_time']
  const value = run[kind as 'metric' | 'param' | 'tag'].get(key)
  return typeof value === 'number' && !Number.isNaN(value)
    ? Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value))
    : value
}

/** LIKE over characters, by trying all ways. */
function isLike(text: readonly string[], pattern: readonly string[]): boolean {
  const [sign, ...rest] = pattern
  if (sign === undefined) return text.length === 0
  if (sign === '%') return isLike(text, rest) || (text.length > 0 && isLike(text.slice(1), pattern))
  return text.length > 0 && (sign === '_' || sign === text[0]) && isLike(text.slice(1), rest)
}
const lower = (text: string): string => text.replaceAll(/[A-Z]/g, (sign) => sign.toLowerCase())

function holds(value: Value, { operator, value: wanted }: Clause): boolean {
  if (value === null || value === undefined) return false
  if (Number.isNaN(value)) return operator === '!='
  switch (operator) {
    case 'IN':
      return (wanted as readonly string[]).includes(value as string)
    case 'NOT IN':
      return !(wanted as readonly string[]).includes(value as string)
    case 'LIKE':
      return isLike([...(value as string)], [...(wanted as string)])
    case 'ILIKE':
      return isLike([...lower(value as string)], [...lower(wanted as string)])
    case '=':
      return value === wanted
    case '!=':
      return value !== wanted
    case '>':
      return Number(value) > Number(wanted)
    case '>=':
      return Number(value) >= Number(wanted)
    case '<':
      return Number(value) < Number(wanted)
    case '<=':
      return Number(value) <= Number(wanted)
  }
}

const rankOf = (value: Value): number =>
  value === null || value === undefined ? 2 : Number.isNaN(value) ? 1 : 0
const compare = (a: Value, b: Value): number =>
  typeof a === 'string' && typeof b === 'string'
    ? Buffer.compare(Buffer.from(a), Buffer.from(b))
    : Number(a) < Number(b)
      ? -1
      : Number(a) > Number(b)
        ? 1
        : 0

function inOrder(orders: readonly Order[]) {
  const all: readonly Order[] = [
    ...orders,
    { kind: 'attribute', key: 'start_time', isDescending: true },
    { kind: 'attribute', key: 'run_id', isDescending: false },
  ]
  return (a: Known, b: Known): number => {
    for (const order of all) {
      const [left, right] = [valueIn(a, order), valueIn(b, order)]
      const ranks = rankOf(left) - rankOf(right)
      if (ranks !== 0) return ranks
      const sign = rankOf(left) === 0 ? compare(left, right) : 0
      if (sign !== 0) return order.isDescending ? -sign : sign
    }
    return 0
  }
}

const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(...values)
const number = oneOf(...NUMBERS.filter(Number.isFinite), 2.5, -0.25, 1e19, 7)
const text = fc.oneof(
  oneOf(...TEXTS),
  fc.string({ unit: 'grapheme', maxLength: 4 }).filter((one) => !one.includes('\0')),
)
const pattern = fc
  .array(oneOf('a', 'A', 'b', 'é', '%', '%', '_', '*', '?', '[', ']', '\\', '😀', "'"), { maxLength: 5 })
  .map((signs) => signs.join(''))
const compared = (kind: Clause['kind'], ...keys: readonly string[]) => {
  const name = { kind: fc.constant(kind), key: oneOf(...keys) }
  return {
    numbers: fc.record({ ...name, operator: oneOf('=', '!=', '>', '>=', '<', '<='), value: number }),
    texts: fc.record({ ...name, operator: oneOf('=', '!='), value: text }),
    patterns: fc.record({ ...name, operator: oneOf('LIKE', 'ILIKE'), value: pattern }),
    lists: fc.record({
      ...{ ...name, operator: oneOf('IN', 'NOT IN') },
      value: fc.array(oneOf(...RUNS.map(({ run_id }) => run_id)), { minLength: 1, maxLength: 5 }),
    }),
  }
}
const times = compared('attribute', 'start_time', 'end_time')
const names = compared('attribute', 'run_name', 'user_id')
const [params, tags] = [compared('param', 'p', 'none'), compared('tag', 't', 'none')]
const clause = fc.oneof(
  ...[times.numbers, compared('metric', 'm', 'none').numbers, compared('attribute', 'run_id').lists],
  ...[names.texts, names.patterns, params.texts, params.patterns, tags.texts, tags.patterns],
) as fc.Arbitrary<Clause>
const SORTED = {
  attribute: ['start_time', 'end_time', 'run_id', 'run_name'],
  ...{ metric: ['m', 'none'], param: ['p'], tag: ['t'] },
} as const
const sorted = Object.entries(SORTED).flatMap(([kind, keys]) => keys.map((key) => ({ kind, key })))
const order = fc
  .tuple(oneOf(...sorted), fc.boolean())
  .map(([by, isDescending]) => ({ ...by, isDescending }) as Order)

test('a search finds what a loop over all runs finds, in its order, on pages of any size', async () => {
  const orders = fc.uniqueArray(order, { maxLength: 3, selector: ({ kind, key }) => `${kind} ${key}` })
  const asked = fc.record({ clauses: fc.array(clause, { maxLength: 3 }), orders, limit: oneOf(1, 2, 7, 60) })

  await fc.assert(
    fc.asyncProperty(asked, async ({ clauses, orders, limit }) => {
      const wanted = RUNS.filter((run) => clauses.every((one) => holds(valueIn(run, one), one)))
        .toSorted(inOrder(orders))
        .map(({ run_id }) => run_id)

      const found: string[] = []
      let token: string | undefined
      do {
        const asking = { filter: printFilter(clauses), orders, where: [], limit, token }
        const page = await search<Selectable<Tables['runs']>>(db, SEARCHED_RUNS, asking)
        found.push(...page.rows.map((row) => row.run_id))
        token = page.next
      } while (token !== undefined)

      expect(found).toEqual(wanted)
    }),
    { numRuns: 300 },
  )
})

test('a token that was made up is refused, whatever is in it', async () => {
  const orders: Order[] = [{ kind: 'metric', key: 'm', isDescending: false }]
  const asking = { filter: '', orders, where: [], limit: 1 }
  const { next } = await search(db, SEARCHED_RUNS, { ...asking, token: undefined })
  const places = JSON.parse(Buffer.from(next!, 'base64url').toString()) as [string, unknown, unknown][]

  for (const value of ['a', null, true, {}, [1]])
    for (const at of places.keys()) {
      const changed = places.with(at, [places[at]![0], 0, at === 2 && value === 'a' ? 5 : value])
      const token = Buffer.from(JSON.stringify(changed)).toString('base64url')
      await expect(search(db, SEARCHED_RUNS, { ...asking, token })).rejects.toThrow('Invalid page token')
    }
})

test('a list may be longer than the values that a statement takes, a pattern no longer than is tried', async () => {
  const ids = Array.from({ length: 70_000 }, (_, i) => `'${i === 0 ? RUNS[0]!.run_id : `none${i}`}'`)
  const asking = { orders: [], where: [], limit: 10, token: undefined }

  const { rows } = await search<{ run_id: string }>(db, SEARCHED_RUNS, {
    ...{ ...asking, filter: `run_id IN (${ids.join(', ')})` },
  })

  expect(rows.map(({ run_id }) => run_id)).toEqual([RUNS[0]!.run_id])
  await expect(
    search(db, SEARCHED_RUNS, { ...asking, filter: `tags.t LIKE '${'%'.repeat(60_000)}'` }),
  ).rejects.toThrow('A pattern of LIKE may have at most 10000 characters. Got 60000')
})
