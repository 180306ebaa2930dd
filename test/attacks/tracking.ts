import { expect } from 'vitest'
import { rawPost } from '../support/raw.ts'
import { type Attack, get } from './attack.ts'
import { JSON_TYPE, type Target } from './target.ts'
import {
  API,
  createRun,
  expectCalm,
  FILES,
  mark,
  post,
  put,
  read,
  type Told,
  untouched,
} from './tracking-requests.ts'

/** S63–S69: paths, sources, addresses and texts that MLflow's own server was open to. */

/** Ways to write a path that leads elsewhere, as they go over the wire. */
const OUTSIDE = [
  ...[
    '../x',
    '%2e%2e/x',
    '%2e%2e%2fx',
    '%252e%252e/x',
    '%25252e%25252e/x',
    '..%2fx',
    '..%5cx',
    '%5c%5chost%5cx',
  ],
  ...['a/../../x', 'a/%2e%2e/%2e%2e/x', './x', '%2e', '%2e/', '.', 'a//b', '/etc/passwd', '%2fetc%2fpasswd'],
  ...[
    'C:/x',
    'c%3a/x',
    'C:%5cx',
    'a%00b',
    'a%0ab',
    '%ef%bc%8e%ef%bc%8e/x',
    '%e2%80%a4%e2%80%a4/x',
    'a%ef%bc%8fb',
  ],
  ...['%c0%ae%c0%ae/x', '%ff', '%', '..;/x', '%2e%2e;/x', 'file:%2f%2f%2fetc', '~root%00', ' %20x', 'x%20'],
]

const filter = (target: Target, text: string): Promise<Told> =>
  post(target, 'runs/search', { experiment_ids: ['0'], filter: text })

export const TRACKING: readonly Attack[] = [
  {
    number: 63,
    words: 'no way to write the path of a file leads out of the store, in any route that takes one',
    run: async (targets) => {
      const { run } = await createRun(targets)
      const body = (path: string): string =>
        JSON.stringify({ path, num_parts: 1, upload_id: 'x', parts: [{ part_number: 1, etag: 'x' }] })
      const answers: Told[] = []
      for (const path of OUTSIDE) {
        const wire = (method: string) =>
          `${method} ${FILES}/artifacts/${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx`
        const requests = [
          get(`${FILES}/artifacts/${path}`),
          get(`/ajax-api/2.0/mlflow-artifacts/artifacts/${path}`),
          get(`${FILES}/presigned/${path}`),
          get(`${FILES}/artifacts?path=${path}`),
          get(`/get-artifact?run_id=${run}&path=${path}`),
          get(`${API}/artifacts/list?run_id=${run}&path=${path}`),
          ...['create', 'complete', 'abort'].map((step) =>
            rawPost(`${FILES}/mpu/${step}/${path}`, body('f')),
          ),
          ...['PUT', 'DELETE'].map(wire),
        ]
        // What cannot be decoded is text in a query: a name that there is not.
        const isText = /%(?![0-9a-f]{2})|%ff|%c0/i.test(path)
        for (const request of requests.filter((text) => !(isText && text.includes('path='))))
          answers.push(...(await targets.send(request, { answers: 1 })))
      }
      expectCalm(answers)
      for (const { body: text } of answers) expect(text).not.toContain('root:')

      expect(answers.length).toBeGreaterThan(OUTSIDE.length * 7)
      expect(
        answers.filter(({ status }) => status < 400).map(({ body: text }) => text.slice(0, 200)),
      ).toEqual([])
    },
  },
  {
    number: 64,
    words: 'a version’s source names no file of the server, and none is fetched from elsewhere',
    run: (targets) =>
      untouched(targets, async () => {
        const name = mark()
        const { run } = await createRun(targets)
        await post(targets, 'registered-models/create', { name })
        const refused = [
          ...[
            '/etc',
            'file:///etc',
            'file:/etc',
            'FILE:///etc',
            'file://localhost/etc',
            '//localhost/etc',
            'C:\\x',
            'file://./etc',
          ],
          ...[
            'mlflow-artifacts:/../../etc',
            'mlflow-artifacts://host/../../etc',
            'mlflow-artifacts:/%2e%2e/etc',
          ],
          ...[
            'http:///#/../../../etc',
            'http://host/;/../../etc',
            'http://host/?/../../etc',
            'dbfs:/x?/../../etc',
          ],
          ...[
            `runs:/${run}/../../etc`,
            `runs:/${run}/%252e%252e/etc`,
            's3://bucket/a/../b',
            'http://host/a%5c..%5cb',
          ],
        ]
        const inert = [
          `http://127.0.0.1:${targets.trap.port}/m`,
          `ftp://127.0.0.1:${targets.trap.port}/m`,
          's3://bucket/m',
        ]
        const create = (source: string) => post(targets, 'model-versions/create', { name, source })
        const answers = await Promise.all(refused.map(create))
        const taken = await Promise.all(inert.map(create))
        const files = await targets.ask(
          'GET',
          `/model-versions/get-artifact?name=${name}&version=1&path=passwd`,
        )
        expectCalm([...answers, ...taken, files])

        expect(answers.map(({ status }, index) => [refused[index], status])).toEqual(
          refused.map((source) => [source, 400]),
        )
        expect(taken.map(({ status }) => status)).toEqual([200, 200, 200])
        expect(files.status).toBe(400)
      }),
  },
  {
    number: 65,
    words:
      'an experiment’s location that programs read differently is refused, and one elsewhere is not read',
    run: (targets) =>
      untouched(targets, async () => {
        const refused = [
          ...[
            'file:///a/../../etc',
            'http:///#/../../../etc',
            'mlflow-artifacts:/%2e%2e',
            's3://b/;x',
            's3://b/?/../..',
          ],
          ...['runs:/x', 'mlflow-artifacts:/', `s3://${'x'.repeat(3_000)}`, 's3://b/\u0000'],
        ]
        const answers = await Promise.all(
          refused.map((artifact_location) =>
            post(targets, 'experiments/create', { name: mark(), artifact_location }),
          ),
        )
        const location = `http://127.0.0.1:${targets.trap.port}/a`
        const { body } = await post(targets, 'experiments/create', {
          name: mark(),
          artifact_location: location,
        })
        const made = await post(targets, 'runs/create', JSON.parse(body))
        const id = JSON.parse(made.body).run.info.run_id
        const listed = await read(targets, `artifacts/list?run_id=${id}`)

        expect(answers.map(({ status }, index) => [refused[index], status])).toEqual(
          refused.map((it) => [it, 400]),
        )
        expect(listed.status).toBe(501)
      }),
  },
  {
    number: 66,
    words: 'a webhook reaches no inner address, neither when it is made nor when it is tried out',
    run: (targets) =>
      untouched(targets, async () => {
        const { port } = targets.trap
        const urls = [
          ...[
            `http://127.0.0.1:${port}/`,
            `https://127.0.0.1:${port}/`,
            `https://[::1]:${port}/`,
            `https://2130706433:${port}/`,
          ],
          ...[
            'https://169.254.169.254/latest/meta-data/',
            'https://[fd00:ec2::254]/',
            'https://0/',
            'https://017700000001/',
          ],
          ...[
            `https://[::ffff:127.0.0.1]:${port}/`,
            'gopher://x/',
            'file:///etc/passwd',
            `https://a:b@hooks.example:${port}/`,
          ],
        ]
        const create = (url: string) =>
          post(targets, 'webhooks', {
            name: 'a',
            url,
            events: [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }],
          })
        const statuses = await Promise.all(urls.map(async (url) => [url, (await create(url)).status]))
        const { webhook } = JSON.parse((await create(`https://localhost:${port}/`)).body)
        const tried = await post(targets, `webhooks/${webhook.webhook_id}/test`, {})
        await targets.ask('DELETE', `${API}/webhooks/${webhook.webhook_id}`)

        expect(statuses).toEqual(urls.map((url) => [url, 400]))
        expect(JSON.parse(tried.body).result).toMatchObject({ success: false })
      }),
  },
  {
    number: 67,
    words:
      'a page of another site, or another name, changes nothing by MLflow’s routes, relayed ones among them',
    run: async (targets) => {
      const name = mark()
      const paths = ['/api/2.0/mlflow', '/ajax-api/2.0/mlflow', '/api/3.0/mlflow'].flatMap((prefix) =>
        ['experiments/create', 'runs/create', 'runs/log-batch', 'registered-models/create'].map(
          (path) => `${prefix}/${path}`,
        ),
      )
      const body = JSON.stringify({ name, experiment_id: '0' })
      const foreign = (header: string) => (path: string) =>
        targets.ask('POST', path, { headers: { ...JSON_TYPE, ...hostile[header] }, body })
      const hostile: Record<string, Record<string, string>> = {
        origin: { origin: 'http://evil.example' },
        null: { origin: 'null' },
        site: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
        host: { host: 'evil.example' },
        rebound: { host: `evil.example:${targets.port}` },
      }
      const statuses = await Promise.all(
        Object.keys(hostile).flatMap((header) =>
          paths.map(async (path) => [header, path, (await foreign(header)(path)).status] as const),
        ),
      )
      const simple = await targets.ask('POST', `${API}/experiments/create`, {
        headers: { 'content-type': 'text/plain' },
        body,
      })
      const found = await read(targets, `experiments/get-by-name?experiment_name=${name}`)

      expect(statuses.filter(([, , status]) => status !== 403 && status !== 421)).toEqual([])
      expect([simple.status, found.status]).toEqual([400, 404])
    },
  },
  {
    number: 68,
    words: 'scripts in names are told as JSON that no browser runs, and files of a run are handed over inert',
    run: async (targets) => {
      const script = '<script>alert(1)</script>'
      const { root, run } = await createRun(targets)
      const told = [
        await read(targets, `experiments/get-by-name?experiment_name=${encodeURIComponent(script)}`),
        await post(targets, 'experiments/create', { name: 5 }, { 'content-type': `text/html;${script}` }),
        await read(targets, `runs/get?run_id=${encodeURIComponent(script)}`),
        await read(targets, `registered-models/get?name=${encodeURIComponent(script)}`),
        await post(targets, 'runs/log-metric', { run_id: run, key: script, value: script, timestamp: 0 }),
      ]
      for (const file of ['a.html', 'a.svg', 'a.xml', 'a.js', 'a.xhtml'])
        await put(targets, `${root}/${file}`, script)
      const files = await Promise.all(
        ['a.html', 'a.svg', 'a.xml', 'a.js', 'a.xhtml'].flatMap((file) => [
          targets.ask('GET', `${FILES}/artifacts/${root}/${file}`),
          targets.ask('GET', `/get-artifact?run_id=${run}&path=${file}`),
        ]),
      )

      for (const { status, headers } of told) {
        expect(status).toBeGreaterThanOrEqual(400)
        expect([headers.get('content-type'), headers.get('x-content-type-options')]).toEqual([
          expect.stringMatching(/^application\/json/),
          'nosniff',
        ])
      }
      for (const { headers } of files) {
        expect(headers.get('content-disposition')).toMatch(/^attachment/)
        expect(headers.get('content-security-policy')).toContain('sandbox')
        expect(headers.get('x-content-type-options')).toBe('nosniff')
      }
    },
  },
  {
    number: 69,
    words: 'SQL in filters, orders, tokens and names is a value, and no statement is told',
    run: async (targets) => {
      const sql = [
        "' OR 1=1 --",
        '"; drop table runs; --',
        "x' union select 1 --",
        "') or ('1'='1",
        '`',
        '\\',
        "a''b",
        'x/*',
      ]
      const answers = await Promise.all(
        sql.flatMap((text) => [
          filter(targets, text),
          filter(targets, `params.a = '${text}'`),
          filter(targets, `metrics.\`${text}\` > 1`),
          post(targets, 'runs/search', { experiment_ids: [text], order_by: [text] }),
          post(targets, 'runs/search', { experiment_ids: ['0'], order_by: [`params.\`${text}\` DESC`] }),
          post(targets, 'runs/search', {
            experiment_ids: ['0'],
            page_token: Buffer.from(text).toString('base64'),
          }),
          read(
            targets,
            `experiments/search?max_results=5&filter=${encodeURIComponent(`name LIKE '${text}'`)}`,
          ),
          read(targets, `experiments/search?max_results=5&order_by=${encodeURIComponent(text)}`),
          read(
            targets,
            `registered-models/search?filter=${encodeURIComponent(text)}&order_by=${encodeURIComponent(text)}`,
          ),
          read(targets, `model-versions/search?filter=${encodeURIComponent(`name='${text}'`)}`),
          post(targets, 'logged-models/search', {
            experiment_ids: ['0'],
            filter: text,
            order_by: [{ field_name: text }],
          }),
        ]),
      )
      expectCalm(answers)
      const { status } = await read(targets, 'experiments/get?experiment_id=0')

      expect(status).toBe(200)
    },
  },
]
