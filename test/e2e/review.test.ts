import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ReviewAnswer, VersionDetail } from '@millwright/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  cli,
  ROOT,
  type Running,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

const MODELS = join(ROOT, 'examples/churn/models')
const [V2, V3] = [join(MODELS, 'churn_model_v2.pkl'), join(MODELS, 'churn_model_v3.pkl')]
const CUSTOMERS = join(ROOT, 'examples/churn/customers.csv')
const folder = temporaryFolder()
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
let server: Running

beforeAll(async () => {
  server = await startMillwright()
  for (const path of [V2, V3]) await cli(['deploy', path], server)
})
afterAll(async () => {
  await server.stop()
  removeFolder(folder)
})

type Inspected = { readonly digest: string; readonly review: readonly ReviewAnswer[] }

async function inspect(...args: string[]) {
  const { code, stdout, stderr } = await cli(['inspect', ...args, '--json'], server)
  const document = JSON.parse(stdout || '{}') as Inspected
  const answerOf = (question: string) => document.review.find((answer) => answer.question === question)!
  return { code, stderr, document, answerOf }
}

describe('a gate before production', () => {
  test('limits that are kept are exit code 0', async () => {
    const { code, answerOf } = await inspect(V3, '--max-p99-ms', '50', '--max-mb', '3', '--sample', CUSTOMERS)

    expect(code).toBe(0)
    for (const question of ['dependencies', 'speed', 'size', 'features', 'names'])
      expect(answerOf(question).verdict, question).toBe('pass')
    expect(answerOf('features').evidence).toMatchObject({
      sample: { rows: 20_000, extra: ['customer_id', 'churned'] },
    })
  })

  const HEADER = 'days_since_last_order,total_orders,lifetime_value,email_open_rate'
  const broken: readonly (readonly [string, readonly string[], string, RegExp])[] = [
    ['too slow', ['--max-p99-ms', '0.000001'], 'speed', /limit 0.000001 ms/],
    ['too large', ['--max-mb', '1'], 'size', /2\.7 MB, limit 1\.0 MB/],
    ['too large in bytes', ['--max-bytes', '2668360'], 'size', /limit/],
    [
      'without a column',
      ['--sample', file('few.csv', 'total_orders\n1\n')],
      'features',
      /^3 missing: days_since/,
    ],
    [
      'with text',
      ['--sample', file('text.csv', `${HEADER}\n1,2,3,4\n1,many,3,4\n`)],
      'features',
      /^total_orders should be a number, row 2 has "many"/,
    ],
    [
      'with a hole',
      ['--sample', file('hole.csv', `${HEADER}\n1,2,3,4\n1,2,,4\n`)],
      'features',
      /^1 rows refused, the first: row 2, column lifetime_value: /,
    ],
  ]

  test.each(broken)('%s is exit code 5 and says why', async (_, args, question, why) => {
    const { code, answerOf } = await inspect(V3, ...args)

    expect(code).toBe(5)
    expect(answerOf(question).verdict).toBe('fail')
    expect(answerOf(question).answer).toMatch(why)
  })

  test.each([
    ['--max-mb', 'many'],
    ['--max-p99-ms', '0'],
  ])('%s %s is a mistake on the command line', async (option, value) => {
    const { code, stderr } = await inspect(V3, option, value)

    expect(stderr).toContain(`${option} takes a number above 0`)
    expect(code).toBe(2)
  })

  test('a file that cannot be served is exit code 1, whatever the limits', async () => {
    expect((await inspect(file('text.pkl', 'hello'), '--max-mb', '1')).code).toBe(1)
  })
})

describe('what changed', () => {
  const changed = [
    'estimator > max_depth',
    'estimator > min_samples_leaf',
    'estimator > n_estimators',
    'trees',
    'numbers',
    'bytes',
  ]
  const names = ({ evidence }: ReviewAnswer) =>
    (evidence.changes as { what: string }[]).map(({ what }) => what)

  test('is told of two files', async () => {
    const { code, answerOf } = await inspect(V3, '--against', V2)

    expect(code).toBe(0)
    expect(names(answerOf('changes'))).toEqual(changed)
  })

  test('is told of a version on the server, and nothing of the same file', async () => {
    const copy = join(folder, 'candidate.pkl')
    copyFileSync(V3, copy)

    expect(names((await inspect(copy, '--against', 'churn@1')).answerOf('changes'))).toEqual(changed)
    expect((await inspect(copy, '--against', 'churn@2')).answerOf('changes').answer).toBe(
      'none: the same file as churn@2',
    )
    expect((await inspect(copy, '--against', 'churn@9')).code).toBe(3)
  })

  test('is told of every version on the server beside the one before', async () => {
    const { stdout } = await cli(['models', 'churn@2', '--json'], server)
    const first = await cli(['models', 'churn@v1'], server)
    const { digest, review } = JSON.parse(stdout) as VersionDetail

    const of = (question: string) => review!.find((answer) => answer.question === question)
    expect(digest).toBe((await inspect(V3)).document.digest)
    expect(of('changes')!.answer).toContain('against churn@1: ')
    expect(names(of('changes')!)).toEqual(changed)
    expect(of('speed')!.evidence.latency).toMatchObject({ single: { p99: expect.any(Number) } })
    expect(first.stdout).toMatch(/Review\n✔ {2}dependencies {2}scikit-learn 1\.3\.2/)
    expect(first.stdout).not.toContain('changes')
  })

  test('is read by people', async () => {
    const { stdout } = await cli(['inspect', V3, '--against', V2], server)

    expect(stdout).toMatch(/^What changed\n +BEFORE +NOW\nestimator > max_depth +10 +9\n/m)
  })
})

/** Times differ from run to run. */
const withoutTimes = (text: string): string => text.replace(/\d[\d.]* (µs|ms)/g, 'T')

test('the guide shows what the program prints', async () => {
  const guide = readFileSync(join(ROOT, 'docs/how-to/gate-a-model-in-ci.md'), 'utf8')
  const [, command, printed, code] = /\$ millwright ([\s\S]*?)\n…\n([\s\S]*?)\n…\n\$ echo \$\?\n(\d)/.exec(
    guide,
  )!

  const result = await cli(command!.split(/[\s\\]+/))

  expect(withoutTimes(result.stdout)).toContain(withoutTimes(printed!))
  expect(result.code).toBe(Number(code))
})
