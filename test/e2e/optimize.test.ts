import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FOREST, fixture, heldOut, writeCustomers, writeRows } from '../support/labelled-rows.ts'
import {
  cli,
  postJson,
  type Running,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

/**
 * scikit-learn's metrics of the mean of the first trees' probabilities on those rows:
 *   p = mean(t.tree_.value[t.tree_.apply(X)] as shares, for t in model.estimators_[:k])
 *   roc_auc_score(y, p[:, 1]), log_loss(y, p), accuracy_score(y, p.argmax(axis=1))
 */
const ORACLE: Readonly<Record<number, readonly [auc: number, logloss: number, accuracy: number]>> = {
  1: [0.8457046070460704, 0.47509159307225435, 0.842],
  5: [0.8656910569105691, 0.32657066972759663, 0.854],
  20: [0.8628184281842818, 0.3282467845316299, 0.86],
  100: [0.8651219512195122, 0.32533522842631896, 0.85],
}

let folder: string
let data: string

beforeAll(() => {
  folder = temporaryFolder()
  data = tableOf('held-out.csv', (row) => String(heldOut.churned[row]))
})
afterAll(() => removeFolder(folder))

const tableOf = (name: string, label: (row: number) => string): string =>
  writeCustomers(join(folder, name), label)

type Estimate = { readonly value: number; readonly low: number; readonly high: number }
type Point = {
  readonly trees: number
  readonly depth?: number
  readonly quality: Estimate
  readonly difference: Estimate
}
type Report = {
  readonly rows: number
  readonly margin: number
  readonly whole: Point & { readonly cost: { readonly bytes: number } }
  readonly chosen: Point & { readonly cost: { readonly bytes: number } }
  readonly by_trees: readonly Point[]
  readonly by_depth: readonly Point[] | null
  readonly recommendation: string
  readonly digest?: string
}

const optimize = (model: string, ...options: string[]) =>
  cli(['optimize', model, '--target', 'churned', ...options])

async function report(model: string, ...options: string[]): Promise<Report> {
  const { code, stdout, stderr } = await optimize(model, '--data', data, ...options, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as Report
}

/** What a model answers to the rows, as the command line prints it. */
async function scores(model: string): Promise<unknown> {
  const { stdout, stderr } = await cli(['score', model, '--data', data, '--outputs', 'predict,predict_proba'])
  expect(stderr).toBe('')
  return (JSON.parse(stdout) as { outputs: unknown }).outputs
}

describe('the curve of a forest', () => {
  test.each([
    ['auc', 0],
    ['logloss', 1],
    ['accuracy', 2],
  ] as const)("%s by number of trees is scikit-learn's", async (metric, column) => {
    const { by_trees } = await report(FOREST, '--metric', metric)

    expect(by_trees.map(({ trees }) => trees)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    for (const [trees, expected] of Object.entries(ORACLE)) {
      const { quality } = by_trees[Number(trees) - 1]!
      expect(quality.value).toBeCloseTo(expected[column]!, 12)
      expect(quality.low).toBeLessThan(quality.value)
      expect(quality.high).toBeGreaterThan(quality.value)
    }
  })

  test('recommended is the fewest trees whose loss stays within the margin at the end of its interval', async () => {
    const { by_trees, chosen, margin } = await report(FOREST, '--margin', '0.01')
    const enough = by_trees.map(({ difference }) => difference.low >= -margin)

    expect(margin).toBe(0.01)
    expect(chosen.trees).toBe(enough.indexOf(true) + 1)
    expect(chosen.trees).toBeLessThan(100)
    expect(chosen.quality).toEqual(by_trees[chosen.trees - 1]!.quality)
  })

  test('depth cut to the deepest tree is the whole model, and shallower trees lose', async () => {
    const { by_depth, whole } = await report(FOREST)

    expect(by_depth?.map(({ depth }) => depth)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(by_depth?.at(-1)?.quality).toEqual(whole.quality)
    expect(by_depth![0]!.difference.high).toBeLessThan(0)
  })

  test('rows without an answer are left out, and said', async () => {
    const some = tableOf('some.csv', (row) => (row % 5 === 0 ? '' : String(heldOut.churned[row])))
    const { stdout } = await optimize(FOREST, '--data', some)

    expect(stdout).toContain('on 400 rows of')
    expect(stdout).toContain('100 have no churned')
  })
})

describe('other targets', () => {
  type Cases = { readonly rows: number[][]; readonly predict: (string | number)[] }
  const casesOf = (name: string): Cases => ({
    ...(JSON.parse(readFileSync(fixture(`${name}/input.json`), 'utf8')) as Cases),
    ...(JSON.parse(readFileSync(fixture(`${name}/expected.json`), 'utf8')) as Cases),
  })

  /** The rows of a fixture with a target made of the library's own answers, for which the metrics are known. */
  async function judged(
    [name, file]: readonly [name: string, file: string],
    target: (answer: string | number, row: number) => unknown,
    metric: string,
  ) {
    const { rows, predict } = casesOf(name)
    const path = join(folder, `${metric}.csv`)
    const header = [...rows[0]!.map((_, i) => `x${i}`), 'y']
    writeRows(
      path,
      header,
      rows.map((row, i) => [...row, target(predict[i]!, i)]),
    )
    const args = ['optimize', fixture(`${name}/${file}`), '--data', path, '--target', 'y']
    const { code, stdout, stderr } = await cli([...args, '--metric', metric, '--json'])
    expect(code, stderr).toBe(0)
    return { predict, ...(JSON.parse(stdout) as Report) }
  }

  const BAG = ['scikit-learn-1.7.2/bagging-regression', 'model.compress3.joblib'] as const
  const IRIS = ['scikit-learn-1.3.2/rf-three-names', 'model.joblib'] as const
  const error = (row: number): number => (row % 7) - 3
  const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length

  test.each([
    ['rmse', (errors: readonly number[]) => Math.sqrt(mean(errors.map((e) => e * e)))],
    ['mae', (errors: readonly number[]) => mean(errors.map(Math.abs))],
  ] as const)(
    '%s of a regressor is that of the errors that were put in, and its margin a hundredth',
    async (metric, of) => {
      const { whole, margin, by_trees, predict } = await judged(
        BAG,
        (answer, row) => Number(answer) + error(row),
        metric,
      )
      const expected = of(predict.map((_, row) => error(row)))

      expect(whole.quality.value).toBeCloseTo(expected, 9)
      expect(margin).toBeCloseTo(expected / 100, 9)
      expect(whole.quality.low).toBeLessThan(expected)
      expect(by_trees[0]!.quality.value).toBeGreaterThan(expected)
      expect(by_trees[0]!.difference.low).toBeGreaterThan(0)
    },
  )

  test('accuracy of three named classes counts the rows that were left right', async () => {
    const spoil = (answer: string | number, row: number) => (row % 10 === 0 ? 'setosa' : answer)
    const { whole, predict } = await judged(IRIS, spoil, 'accuracy')
    const right = predict.filter((answer, row) => spoil(answer, row) === answer).length

    expect(whole.quality.value).toBe(right / predict.length)
  })
})

describe('the smaller model', () => {
  let server: Running

  beforeAll(async () => {
    server = await startMillwright({ gateways: 1 })
  })
  afterAll(() => server.stop())

  test('of all trees answers every bit of the whole', async () => {
    const small = join(folder, 'all.mwm')
    const { whole, chosen } = await report(FOREST, '--trees', '100', '--write', small)

    expect(await scores(small)).toEqual(await scores(FOREST))
    expect(chosen.cost.bytes).toBeLessThan(0.9 * whole.cost.bytes)
  })

  test('deploys, answers as measured and says what it was made from', async () => {
    const small = join(folder, 'small.mwm')
    const { digest, chosen } = await report(FOREST, '--trees', '7', '--depth', '5', '--write', small)
    const bytes = readFileSync(small)
    const inspected = JSON.parse((await cli(['inspect', small, '--json'])).stdout) as Record<string, unknown>
    const deployed = await cli(['deploy', small, '--name', 'small', '--json'], server)
    const rows = heldOut.rows.map((values) =>
      Object.fromEntries(values.map((value, i) => [heldOut.features[i]!, value])),
    )
    const { json } = await postJson(`${server.url}/api/v1/deployments/small/predict`, { rows })
    const { version } = JSON.parse(deployed.stdout) as { version: { digest: string; report: unknown } }

    const lineage = {
      parents: [
        {
          name: 'churn_model_v3.pkl',
          digest: createHash('sha256').update(readFileSync(FOREST)).digest('hex'),
        },
      ],
      changes: [
        'the first 7 of 100 trees',
        'trees cut at depth 5',
        'unreachable branches, equal siblings and repeated leaves left out, which changes no answer',
      ],
      command: `millwright optimize ${FOREST} --data ${data} --target churned --trees 7 --depth 5`,
    }
    expect(inspected).toMatchObject({ servable: true, container: 'millwright', lineage })
    expect(version).toMatchObject({ digest, report: { lineage } })
    expect(digest).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(bytes.length).toBeLessThan(chosen.cost.bytes + 1500)
    const served = (json as { predictions: { probabilities: Record<string, number> }[] }).predictions
    const positive = served.map(({ probabilities }) => probabilities['1']!)
    expect(chosen.quality.value).toBeCloseTo(areaByPairs(positive, heldOut.churned), 12)
  })

  test('comes with a picture of the curves', async () => {
    const small = join(folder, 'drawn.mwm')
    await report(FOREST, '--trees', '3', '--write', small)
    const picture = readFileSync(join(folder, 'drawn.svg'), 'utf8')

    expect(picture).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" /)
    expect(picture.match(/<polyline /g)).toHaveLength(4)
    expect(picture).not.toContain('NaN')
  })
})

/** Share of pairs of a positive and a negative row that are in order; equal scores count half. */
function areaByPairs(scores: readonly number[], labels: readonly number[]): number {
  const [positives, negatives] = [1, 0].map((label) => scores.filter((_, row) => labels[row] === label))
  const wins = positives!.flatMap((a) => negatives!.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)))
  return wins.reduce<number>((sum, win) => sum + win, 0) / wins.length
}
