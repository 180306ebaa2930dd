import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT, type Running, removeFolder, settled, startMillwright } from '../support/millwright.ts'
import { type Difference, readTrace, replay } from './mlflow-trace/replay.ts'

type Meant = {
  readonly why: string
  readonly request: RegExp
  readonly field: RegExp
  /** What was recorded is of this type. */
  readonly recorded: 'undefined' | 'number' | 'string' | 'object'
}

/** Where ours answers otherwise on purpose; each is met at least once. */
const ON_PURPOSE: readonly Meant[] = [
  {
    why: 'a file that is not there is 404: clients ask again for minutes after a 500',
    ...{ request: /GET .*\/artifacts\/model$/, field: /^status$/, recorded: 'number' },
  },
  {
    why: 'a version says of which logged model it is',
    ...{ request: /\/(registered-models|model-versions)\//, field: /\.model_id$/, recorded: 'undefined' },
  },
  {
    why: 'versions in lists say their aliases, too',
    ...{ request: /\/(get|search)\?/, field: /versions\[\d\]\.aliases$/, recorded: 'undefined' },
  },
  {
    why: 'the stage Production is the alias production',
    ...{ request: /\/(registered-models|model-versions)\//, field: /aliases\.length$/, recorded: 'object' },
  },
  {
    why: 'the versions of a logged model are JSON without spaces, and copies are among them',
    ...{ request: /\/logged-models/, field: /\.info\.tags\[0\]\.value$/, recorded: 'string' },
  },
  {
    why: 'a new run says that nothing came out of it',
    ...{ request: /runs\/create/, field: /^run\.outputs$/, recorded: 'undefined' },
  },
  {
    why: 'a search says what models a run read',
    ...{ request: /runs\/search/, field: /\.inputs\.model_inputs$/, recorded: 'undefined' },
  },
  {
    why: 'the recorded server left out a dataset that was logged before, which later ones do not',
    ...{ request: /runs\/get/, field: /^run\.inputs\.dataset_inputs$/, recorded: 'undefined' },
  },
  {
    why: 'another model stands for the recorded one, of which the trace has not all bytes',
    ...{ request: /\/artifacts\?path=/, field: /\.file_size$/, recorded: 'number' },
  },
]
const isMeant =
  ({ request, field, recorded }: Difference) =>
  (meant: (typeof ON_PURPOSE)[number]): boolean =>
    meant.request.test(request) && meant.field.test(field) && meant.recorded === typeof recorded

let server: Running
beforeAll(async () => {
  server = await startMillwright({ gateways: 1 })
  await settled(server, 1)
})
afterAll(async () => {
  await server.stop()
  removeFolder(server.data)
})

test("what MLflow's client asked its own server is answered the same, field by field", async () => {
  const trace = readTrace()
  const model = readFileSync(join(ROOT, 'packages/server/test/fixtures/models/iris-lr.joblib'))

  const differences = await replay(server.url, trace, { 'model.pkl': model })

  expect(trace).toHaveLength(203)
  expect(differences.filter((one) => !ON_PURPOSE.some(isMeant(one)))).toEqual([])
  for (const meant of ON_PURPOSE)
    expect(
      differences.some((one) => isMeant(one)(meant)),
      meant.why,
    ).toBe(true)
})
