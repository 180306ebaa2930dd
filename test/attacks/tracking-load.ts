import { existsSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { command } from './artifacts.ts'
import { type Attack, binaryPost, expectRefusals, get } from './attack.ts'
import { nested } from './requests.ts'
import { JSON_TYPE, type Target } from './target.ts'
import { API, createRun, expectCalm, FILES, mark, post, put, read } from './tracking-requests.ts'

/** S70–S78: loads, names and models that MLflow's own server was open to, and its routes without a key. */

const register = async (target: Target, files: Readonly<Record<string, string | Buffer>>) => {
  const { run, root } = await createRun(target)
  const name = mark()
  for (const [file, content] of Object.entries(files)) await put(target, `${root}/m/${file}`, content)
  await post(target, 'registered-models/create', { name })
  const made = await post(target, 'model-versions/create', { name, source: `runs:/${run}/m`, run_id: run })
  const { status, body } = await target.ask('GET', `/api/v1/models/${name}/versions`)
  const state = status === 200 ? (JSON.parse(body).data[0]?.state ?? 'none') : 'none'
  return { made, state, name }
}

const mlmodel = (file: string): string =>
  `flavors:\n  sklearn:\n    pickled_model: ${file}\n    sklearn_version: 1.5.2\n`

export const TRACKING_LOAD: readonly Attack[] = [
  {
    number: 70,
    words: 'filters of a thousand conditions, patterns without end and tokens of another search cost little',
    run: async (targets) => {
      const { experiment, run } = await createRun(targets)
      await post(targets, 'runs/set-tag', { run_id: run, key: 'a', value: 'a'.repeat(8_000) })
      const search = (more: object) => post(targets, 'runs/search', { experiment_ids: [experiment], ...more })
      const startedAt = performance.now()
      const many = await search({
        filter: Array.from({ length: 1000 }, (_, i) => `params.p${i} = '1'`).join(' AND '),
      })
      const patterns = [
        `${'%a'.repeat(30)}%b`,
        `${'%a_'.repeat(200)}b`,
        '%'.repeat(1_000),
        '[a'.repeat(1_000),
        '*'.repeat(1_000),
      ]
      const found = await Promise.all(
        patterns.flatMap((pattern) => [
          search({ filter: `tags.a LIKE '${pattern}'` }),
          search({ filter: `tags.a ILIKE '${pattern}'` }),
        ]),
      )
      const tokens = [
        'e30',
        'W10',
        Buffer.from('[["a",0,{}]]').toString('base64'),
        Buffer.from('{"offset":1e99}').toString('base64'),
        'x'.repeat(100_000),
      ]
      const paged = await Promise.all(
        tokens.flatMap((page_token) => [
          search({ page_token }),
          read(
            targets,
            `metrics/get-history?run_id=${run}&metric_key=m&page_token=${encodeURIComponent(page_token.slice(0, 2_000))}`,
          ),
        ]),
      )
      expectCalm([many, ...found, ...paged])

      expect(many.status).toBe(400)
      expect(paged.every(({ status }) => status === 400)).toBe(true)
      expect(performance.now() - startedAt).toBeLessThan(15_000)
    },
  },
  {
    number: 71,
    words: 'values nested without end, steps without bounds and names without end are refused or cut',
    run: async (targets) => {
      const { run, experiment } = await createRun(targets)
      const raw = (path: string, body: string) =>
        targets.ask('POST', `${API}/${path}`, { headers: JSON_TYPE, body })
      const deep = nested(200_000)
      const huge = 'n'.repeat(1_000_000)
      const answers = [
        await raw('experiments/create', `{"name":${deep}}`),
        await raw('runs/create', `{"experiment_id":"${experiment}","tags":${deep}}`),
        await raw('runs/log-model', JSON.stringify({ run_id: run, model_json: deep })),
        await raw('runs/search', `{"experiment_ids":["0"],"datasets":${deep}}`),
        await read(
          targets,
          `metrics/get-history-bulk-interval?run_ids=${run}&metric_key=m&start_step=-9223372036854775808&end_step=9223372036854775807`,
        ),
        await read(
          targets,
          `metrics/get-history-bulk-interval?run_ids=${run}&metric_key=m&max_results=999999999`,
        ),
        await post(targets, 'experiments/create', { name: huge }),
        await post(targets, 'registered-models/create', { name: huge }),
        await post(targets, 'runs/set-tag', { run_id: run, key: huge, value: '1' }),
        await post(targets, 'runs/log-batch', {
          run_id: run,
          metrics: Array.from({ length: 1001 }, () => ({ key: 'm', value: 1, timestamp: 1 })),
        }),
        await post(targets, 'registered-models/alias', { name: 'churn', alias: huge, version: '1' }),
      ]
      expectCalm(answers)

      expect(answers.map(({ status }) => status)).toEqual([
        400,
        400,
        400,
        200,
        200,
        400,
        400,
        400,
        400,
        400,
        expect.any(Number),
      ])
    },
  },
  {
    number: 72,
    words: 'what is packed is not unpacked by MLflow’s routes, and archives among files stay as they are',
    run: async (targets) => {
      const { run, root } = await createRun(targets)
      const bomb = gzipSync(Buffer.alloc(64 << 20, 0x20))
      const answers = await targets.send(
        binaryPost(`${API}/runs/log-batch`, bomb, [
          'content-type: application/json',
          'content-encoding: gzip',
        ]),
        { answers: 1 },
      )
      const archive = Buffer.from('PK\x03\x04../../../../tmp/out')
      for (const name of ['a.zip', 'a.tar', 'a.tar.gz']) await put(targets, `${root}/${name}`, archive)
      const listed = JSON.parse((await read(targets, `artifacts/list?run_id=${run}`)).body)

      expect(answers[0]!.status).toBeGreaterThanOrEqual(400)
      expect(answers[0]!.status).toBeLessThan(500)
      expect(
        listed.files.map(({ path, file_size }: { path: string; file_size: number }) => [path, file_size]),
      ).toEqual(['a.tar', 'a.tar.gz', 'a.zip'].map((name) => [name, archive.length]))
    },
  },
  {
    number: 73,
    words: 'uploads that stop on the way leave nothing, and hold up nobody',
    run: async (targets) => {
      const { run, root } = await createRun(targets)
      const slow = Array.from({ length: 20 }, (_, i) =>
        targets.send(
          `PUT ${FILES}/artifacts/${root}/slow-${i} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\nx`,
          { quietMs: 2_000, answers: 1 },
        ),
      )
      const between = await read(targets, `runs/get?run_id=${run}`)
      await Promise.all(slow)
      const listed = JSON.parse((await read(targets, `artifacts/list?run_id=${run}`)).body)

      expect(between.status).toBe(200)
      expect(listed.files ?? []).toEqual([])
    },
  },
  {
    number: 74,
    words: 'no header chooses another workspace: there are none, and the server says so',
    run: async (targets) => {
      const { run } = await createRun(targets)
      const headers = { 'x-mlflow-workspace': '../other' }
      const own = await read(targets, `runs/get?run_id=${run}`)
      const other = await read(targets, `runs/get?run_id=${run}`, headers)
      const info = await targets.ask('GET', '/api/3.0/mlflow/server-info', { headers })
      const guarded = await targets.guarded.ask('GET', `${API}/experiments/search?max_results=1`, { headers })

      expect(other.body).toBe(own.body)
      expect(JSON.parse(info.body)).toMatchObject({ workspaces_enabled: false })
      expect(guarded.status).toBe(401)
    },
  },
  {
    number: 75,
    words: 'names that differ only in how they are written are different names, with files of their own',
    run: async (targets) => {
      const base = mark()
      const names = [`${base}/b`, `${base}%2Fb`, `${base}_b`, `${base}%252Fb`]
      const made = await Promise.all(names.map((name) => post(targets, 'registered-models/create', { name })))
      const found = await Promise.all(
        names.map((name) => read(targets, `registered-models/get?name=${encodeURIComponent(name)}`)),
      )
      const twice = await post(targets, 'registered-models/create', { name: names[0] })

      expect(made.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      expect(found.map(({ body }) => JSON.parse(body).registered_model.name)).toEqual(names)
      expect(twice.status).toBe(400)
    },
  },
  {
    number: 76,
    words:
      'an MLmodel of aliases upon aliases, of another file’s name or of no text makes no model, and reads nothing',
    run: async (targets) => {
      const levels = Array.from(
        { length: 30 },
        (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(',')}]`,
      )
      const hostile: Readonly<Record<string, string | Buffer>> = {
        bomb: ['a0: &a0 [x]', ...levels, mlmodel('model.pkl')].join('\n'),
        loop: 'flavors: &f\n  sklearn: *f\n',
        absolute: mlmodel('/etc/passwd'),
        above: mlmodel('../model.pkl'),
        encoded: mlmodel("'%2e%2e/model.pkl'"),
        backslash: mlmodel("'..\\model.pkl'"),
        number: mlmodel('5'),
        list: mlmodel('[a, b]'),
        tag: 'flavors: !!python/object/apply:os.system ["touch /tmp/x"]\n',
        prototype: '__proto__: {flavors: {sklearn: {pickled_model: a}}}\n',
        binary: Buffer.from(Array.from({ length: 4096 }, (_, i) => i % 256)),
        huge: `flavors:\n${'# x\n'.repeat(1_500_000)}`,
        nested: nested(100_000),
      }
      const startedAt = performance.now()
      const states: unknown[] = []
      for (const [what, text] of Object.entries(hostile)) {
        const { made, state } = await register(targets, { MLmodel: text })
        expectCalm([made])
        states.push([what, state])
      }

      expect(states).toEqual(
        Object.keys(hostile).map((what) => [what, expect.stringMatching(/^(REFUSED|none)$/)]),
      )
      expect(performance.now() - startedAt).toBeLessThan(30_000)
    },
  },
  {
    number: 77,
    words: 'a pickle that calls functions is registered as what cannot be served, and calls none',
    run: async (targets) => {
      const file = `/tmp/${mark()}`
      const { made, state } = await register(targets, {
        MLmodel: mlmodel('model.pkl'),
        'model.pkl': Buffer.from(command(`touch ${file}`)),
      })

      expect([made.status, state]).toEqual([200, 'REFUSED'])
      expect(existsSync(file)).toBe(false)
    },
  },
  {
    number: 78,
    words:
      'without a key none of MLflow’s routes answers, whatever framework its kind was written in elsewhere',
    run: async (targets) => {
      const paths = [
        ...[
          `${API}/runs/search`,
          '/ajax-api/2.0/mlflow/runs/search',
          '/ajax-api/3.0/mlflow/experiments/search',
          '/graphql',
        ],
        ...[
          '/v1/traces',
          '/ajax-api/3.0/jobs/x',
          '/api/3.0/mlflow/traces',
          '/ajax-api/2.0/mlflow/gateway-proxy',
        ],
        ...[
          `${FILES}/artifacts`,
          `${FILES}/mpu/create/x`,
          '/api/2.0/mlflow/users/create',
          '/signup',
          '/get-artifact',
        ],
        ...[
          '/api/2.0/mlflow/webhooks',
          '/api/2.0/mlflow/artifacts/presigned-download-url',
          '/model-versions/get-artifact',
        ],
      ]
      const defaults = { authorization: `Basic ${Buffer.from('admin:password1234').toString('base64')}` }
      const found = await Promise.all(
        paths.flatMap((path) =>
          [{}, defaults, { authorization: 'Basic Og==' }].map(async (headers) => {
            const { status } = await targets.guarded.ask('POST', path, {
              headers: { ...JSON_TYPE, ...headers },
              body: '{}',
            })
            return [path, status] as const
          }),
        ),
      )
      await expectRefusals(targets.guarded, [['a file', get(`${FILES}/artifacts/1/x`), 401]])

      // 429: who sent so many wrong keys before is not even looked at.
      expect(found.filter(([, status]) => status !== 401 && status !== 429)).toEqual([])
    },
  },
]
