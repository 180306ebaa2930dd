import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { HOSTILE_FILES } from '../../packages/engine/test/hostile.ts'
import { identity } from '../../packages/engine/test/onnx-file.ts'
import { stream } from '../../packages/engine/test/pickled.ts'
import { cli, eventually, removeFolder, temporaryFolder } from '../support/millwright.ts'
import { type Attack, binaryPost, expectRefusals, refusals } from './attack.ts'
import { fixture, predictRows, rawPredict, register } from './registry.ts'
import { BODY, JSON_TYPE, PREDICT, type Target } from './target.ts'

/** S15–S28: what is deployed. */

const mark = (): string =>
  join(tmpdir(), `millwright-attack-${process.pid}-${Math.random().toString(36).slice(2)}`)

/** A pickle that runs a command where pickles are run. */
export const command = (text: string): Uint8Array => stream('cos\nsystem\n(S', `'${text}'\n`, 'tR.')

/** Each is refused as a model, and none of it is anywhere but in the store of uploads. */
async function expectRefused(target: Target, files: readonly (readonly [name: string, bytes: Uint8Array])[]) {
  const found = []
  for (const [name, bytes] of files) {
    const { status, code } = await register(target, 'hostile', bytes)
    found.push([name, status, code])
  }
  expect(found).toEqual(files.map(([name]) => [name, 422, 'MODEL_REFUSED']))
}

const hostile = (pattern: RegExp) =>
  HOSTILE_FILES.filter(({ name }) => pattern.test(name)).map(({ name, bytes }) => [name, bytes()] as const)

/** Stored files only (method 0), as an archive of names that lead out of it. */
function zip(names: readonly string[], content: Buffer = Buffer.from('x')): Buffer {
  const crc = process.getBuiltinModule('node:zlib').crc32(content)
  const parts: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const name of names) {
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt32LE(crc, 10)
    common.writeUInt32LE(content.length, 14)
    common.writeUInt32LE(content.length, 18)
    common.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), content])
    const rest = Buffer.alloc(14)
    // A link, as its mode says.
    rest.writeUInt32LE(0o120777 * 2 ** 16, 6)
    rest.writeUInt32LE(offset, 10)
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), common, rest, Buffer.from(name)]))
    parts.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(names.length, 8)
  end.writeUInt16LE(names.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, directory, end])
}

const external = (location: string): Buffer =>
  identity({
    initializers: {
      name: 'w',
      dims: 2,
      element: 1,
      location: 1,
      externalData: { key: 'location', value: location },
    },
  })

export const ARTIFACTS: readonly Attack[] = [
  {
    number: 15,
    words: 'no media type or header of a request makes a pickle of its body be read',
    run: async (targets) => {
      const file = mark()
      const pickle = Buffer.from(command(`touch ${file}`))
      const of = (path: string, type: string, status: number) =>
        [
          `${path} ${type}`,
          binaryPost(path, pickle, [
            `content-type: ${type}`,
            'payload-container: NdarrayContainer',
            'payload-meta: {"format":"pickle"}',
          ]),
          status,
        ] as const
      await expectRefusals(targets, [
        of(PREDICT, 'application/vnd.bentoml+pickle', 415),
        of(PREDICT, 'application/octet-stream', 415),
        of(PREDICT, 'application/python-pickle', 415),
        of('/invocations', 'application/x-npy', 415),
        of('/invocations', 'application/vnd.bentoml+pickle', 415),
        of('/v1/models/churn:predict', 'application/vnd.bentoml+pickle', 400),
        of('/v2/models/churn/infer', 'application/octet-stream', 400),
        of('/predictions/churn', 'application/x-pickle', 400),
        of('/predict', 'application/octet-stream', 400),
      ])

      expect(existsSync(file)).toBe(false)
    },
  },
  {
    number: 16,
    words: 'a pickle that calls functions is refused as data, and calls none',
    run: async (targets) => {
      const file = mark()
      const calls = hostile(/^(?:pickle|call)/).slice(0, 6)
      await expectRefused(targets, [['os.system', command(`touch ${file}`)], ...calls])

      expect(existsSync(file)).toBe(false)
    },
  },
  {
    number: 17,
    words: 'a file of PyTorch, in which a pickle lies, is refused',
    run: async (targets) => {
      const file = mark()
      const pickle = Buffer.from(command(`touch ${file}`))
      await expectRefused(targets, [
        ['model.pt', zip(['archive/data.pkl', 'archive/version'], pickle)],
        ['model.pt2', zip(['archive_format', 'data/weights/model.pkl'], pickle)],
      ])

      expect(existsSync(file)).toBe(false)
    },
  },
  {
    number: 18,
    words: 'texts that lie about a LightGBM, XGBoost or CatBoost model are refused by a process apart',
    run: (targets) => expectRefused(targets, hostile(/^(?:lightgbm|catboost|xgboost)/i).slice(0, 8)),
  },
  {
    number: 19,
    words: 'weights of an ONNX model in files of the server are not read',
    run: (targets) =>
      expectRefused(
        targets,
        ['/etc/passwd', '../../etc/passwd', 'routing.json', '', '#../x', 'file:///etc/passwd'].map(
          (location) => [location, external(location)] as const,
        ),
      ),
  },
  {
    number: 20,
    words:
      'an ONNX model of some hundred bytes that takes 16 GiB, or does not end, is refused when it is tried out',
    run: (targets) =>
      expectRefused(
        targets,
        ['hungry', 'endless'].map(
          (name) => [name, fixture(`packages/runtime/test/fixtures/${name}.onnx`)] as const,
        ),
      ),
  },
  {
    number: 21,
    words:
      'archives whose names lead out of them, whose links do, or that unpack to a thousand times their size',
    run: async (targets) => {
      const out = `../../../../../..${mark()}`
      await expectRefused(targets, [
        ['dots', zip([out, 'schema.json'])],
        ['absolute', zip([mark(), 'schema.json'])],
        ['one name in two cases', zip(['schema.json', 'SCHEMA.JSON'])],
        ['a thousand names', zip(Array.from({ length: 1_000 }, (_, i) => `${i}.npy`))],
        ...hostile(/^bomb: (?:zlib|gzip in|lz4)|^skops: (?:a schema|two)/),
      ])
      const names = readdirSync(targets.running.data, { recursive: true, encoding: 'utf8' })

      expect(names.filter((name) => name.endsWith('schema.json'))).toEqual([])
    },
  },
  {
    number: 22,
    words: 'a manifest of TorchServe or MLflow that names files of the server is no model',
    run: (targets) =>
      expectRefused(targets, [
        [
          'mar',
          zip(
            ['MAR-INF/MANIFEST.json', 'model.py'],
            Buffer.from('{"model":{"configFile":"/etc/passwd","requirementsFile":"../../r.txt"}}'),
          ),
        ],
        [
          'MLmodel',
          Buffer.from('flavors:\n  python_function:\n    loader_module: os\n    data: /etc/passwd\n'),
        ],
        [
          'model-settings',
          Buffer.from('{"name":"x","implementation":"os.system","parameters":{"uri":"/etc/passwd"}}'),
        ],
      ]),
  },
  {
    number: 24,
    words: 'a folder from somewhere else takes no file along that lies outside of it',
    run: async ({ url }) => {
      const folder = temporaryFolder()
      writeFileSync(join(folder, 'secret.pkl'), fixture('examples/churn/models/churn_model_v2.pkl'))
      mkdirSync(join(folder, 'model'))
      symlinkSync(join(folder, 'secret.pkl'), join(folder, 'model/link.pkl'))
      const tried = []
      for (const file of ['../secret.pkl', join(folder, 'secret.pkl'), 'link.pkl']) {
        writeFileSync(join(folder, 'model/deployment.json'), JSON.stringify({ name: 'thief', file }))
        const { code, stderr } = await cli(['deploy', join(folder, 'model')], { url })
        tried.push([code, /outside of the folder|there is no file/.exec(stderr)?.[0]])
      }
      removeFolder(folder)

      expect(tried).toEqual([
        [1, 'outside of the folder'],
        [3, 'there is no file'],
        [1, 'outside of the folder'],
      ])
    },
  },
  {
    number: 26,
    words: 'a program that was changed on the disk after it was checked is not loaded',
    run: async (targets) => {
      const bytes = fixture('examples/churn/models/churn_model_v3.pkl')
      const before = programs(targets)
      const { number } = await register(targets, 'altered', bytes)
      const [program] = [...programs(targets)].filter(
        (path) => !before.has(path) && !path.replaceAll('/', '').endsWith(digestOf(bytes)),
      )
      const whole = readFileSync(program!)
      const changed = Buffer.from(whole)
      changed[changed.length >> 1]! ^= 1
      writeFileSync(program!, changed)
      const create = () =>
        targets.ask('POST', '/api/v1/deployments', {
          headers: JSON_TYPE,
          body: JSON.stringify({ name: 'altered', model: 'altered', version: number }),
        })
      const created = await create()
      const asked = await predictRows(targets, 'altered', { row: JSON.parse(BODY).row })
      writeFileSync(program!, whole)
      await targets.ask('PATCH', '/api/v1/deployments/altered', {
        headers: JSON_TYPE,
        body: '{"limits":{"rows":7}}',
      })
      await eventually(
        async () => (await predictRows(targets, 'altered', { row: JSON.parse(BODY).row })).status === 200,
      )

      expect([created.status, asked.status]).toEqual([504, 503])
    },
  },
  {
    number: 27,
    words: 'an upload that breaks off is no file, and leaves none',
    run: async (targets) => {
      const bytes = fixture('examples/churn/models/churn_model_bad.pkl')
      const head = `PUT /api/v1/uploads HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${bytes.length}\r\n\r\n`
      await targets.send([head, bytes.subarray(0, bytes.length >> 1)], { quietMs: 300 })
      const digest = digestOf(bytes.subarray(0, bytes.length >> 1))
      await expectRefusals(targets, [
        ['the half', rawVersion({ digest }), 404, 'UPLOAD_NOT_FOUND'],
        ['the whole', rawVersion({ digest: digestOf(bytes) }), 404, 'UPLOAD_NOT_FOUND'],
      ])

      await eventually(async () => readdirSync(join(targets.running.data, 'incoming')).length === 0)
    },
  },
  refusals(28, 'bytes that are not those announced are refused', [
    ['by the query', put(`/api/v1/uploads?sha256=${'0'.repeat(64)}`, 'model'), 422, 'DIGEST_MISMATCH'],
    [
      'by the header',
      put('/api/v1/uploads', 'model', [`digest: sha-256=${Buffer.alloc(32).toString('base64')}`]),
      422,
      'DIGEST_MISMATCH',
    ],
    ['no digest at all', put('/api/v1/uploads?sha256=..%2f..%2fetc', 'model'), 400, 'VALIDATION_FAILED'],
    ['a version of bytes never sent', rawVersion({ digest: '0'.repeat(64) }), 404, 'UPLOAD_NOT_FOUND'],
  ]),
]

function put(path: string, body: string, headers: readonly string[] = []): string {
  return [
    `PUT ${path} HTTP/1.1`,
    'host: localhost',
    'connection: close',
    `content-length: ${body.length}`,
    ...headers,
    '',
    body,
  ].join('\r\n')
}

function rawVersion(body: object): string {
  return rawPredict('x', body).replace('/api/v1/deployments/x/predict', '/api/v1/models/none/versions')
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const programs = ({ running }: Target): Set<string> => {
  const root = join(running.data, 'blobs/sha256')
  return new Set(
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.includes('/'))
      .map((name) => join(root, name)),
  )
}
