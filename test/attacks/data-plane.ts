import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { ModelInferRequest } from '../../packages/server/src/gateway/doors/v2-grpc/messages.ts'
import { INFERENCE } from '../../packages/server/src/gateway/doors/v2-grpc/services.ts'
import { eventually } from '../support/millwright.ts'
import { rawPost, sendRaw } from '../support/raw.ts'
import {
  type Attack,
  binaryPost,
  countByStatus,
  expectRefusals,
  get,
  plainPost,
  type Refusal,
  refusals,
} from './attack.ts'
import {
  binary,
  binaryTensor,
  chunked,
  grpcCode,
  grpcTensor,
  headed,
  INVALID_ARGUMENT,
  inFlight,
  MEBIBYTE,
  nested,
  RESOURCE_EXHAUSTED,
  tensor,
  V2,
} from './requests.ts'
import { BODY, PREDICT, ROW } from './target.ts'

/** S29–S41: requests for predictions, by how they are framed. */

export const DATA_PLANE: readonly Attack[] = [
  {
    number: 29,
    words: 'millions of tiny chunks, hundreds of headers and endless trailers are refused unkept',
    run: async (targets) => {
      await expectRefusals(targets, [
        ['chunks of a byte', chunked(PREDICT, '1\r\n \r\n'.repeat(500_000)), 400],
        ['101 headers', headed(Array.from({ length: 101 }, (_, i) => `x-${i}: 1`)), 431],
        ['a header of 17 KiB', headed([`x: ${'a'.repeat(17 << 10)}`]), 431],
        ['an address of 17 KiB', get(`/${'a'.repeat(17 << 10)}`), 431],
        [
          'an extension of a chunk of 64 KiB',
          chunked(PREDICT, `1;${'x'.repeat(64 << 10)}\r\n \r\n0\r\n\r\n`),
          400,
        ],
      ])
      const trailers = await targets.send(
        chunked(PREDICT, `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n${'x: 1\r\n'.repeat(100_000)}\r\n`),
      )
      expect(trailers.filter(({ status }) => status === 200)).toEqual([])
    },
  },
  refusals(30, 'bodies of 17 MiB are refused, announced or not', [
    [
      'announced',
      `POST ${PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 17825792\r\n\r\n{`,
      413,
    ],
    ['in chunks', chunked(PREDICT, `1100000\r\n${' '.repeat(17 * MEBIBYTE)}\r\n0\r\n\r\n`), 413],
    ['a gigabyte', `POST ${V2} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1073741824\r\n\r\n{`, 413],
    [
      'more than can be counted',
      `POST ${V2} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999999999999\r\n\r\n{`,
      400,
    ],
    [
      'to control',
      `PATCH /api/v1/deployments/churn HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1073741824\r\n\r\n{`,
      413,
    ],
  ]),
  {
    number: 31,
    words: 'a bomb of gzip is unpacked no further than its limit, twenty at once neither',
    run: async (targets) => {
      const bomb = gzipSync(Buffer.alloc(512 * MEBIBYTE, ' '))
      const twice = gzipSync(bomb)
      const of = (bytes: Buffer, encoding = 'gzip') =>
        binaryPost(PREDICT, bytes, ['content-type: application/json', `content-encoding: ${encoding}`])
      const many = Array.from({ length: 20 }, () => targets.send(of(bomb), { answers: 1 }))
      const statuses = (await Promise.all(many)).map(([answer]) => answer?.status)

      expect(new Set(statuses)).toEqual(new Set([413]))
      await expectRefusals(targets, [
        ['a ratio of 1000', of(gzipSync(Buffer.alloc(8 * MEBIBYTE))), 413, 'BODY_TOO_LARGE'],
        ['two in each other', of(twice, 'gzip, gzip'), 415],
        ['zlib that is none', of(Buffer.from('x'), 'deflate'), 400, 'INVALID_ENCODING'],
        ['cut', of(bomb.subarray(0, 1_000)), 400, 'INVALID_ENCODING'],
      ])
      const framed = Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), bomb])
      framed.writeUInt32BE(bomb.length, 1)
      expect(await grpcCode(targets, Buffer.alloc(17 * MEBIBYTE))).toBe(RESOURCE_EXHAUSTED)
    },
  },
  {
    number: 32,
    words: 'nesting is refused at every door, control and the errors themselves included',
    run: (targets) => {
      const deep = nested(100_000)
      const rows: readonly Refusal[] = [
        ...[
          PREDICT,
          '/predict',
          V2,
          '/v1/models/churn:predict',
          '/invocations',
          '/predictions/churn',
        ].flatMap((path): Refusal[] => [
          [`${path} whole`, rawPost(path, deep), 400],
          [
            `${path} inside`,
            rawPost(path, `{"row":${deep},"inputs":${deep},"instances":${deep},"parameters":${deep}}`),
            400,
          ],
          [`${path} open`, rawPost(path, '{"row":'.repeat(100_000)), 400],
        ]),
        ['settings of logs', rawPost('/v2/logging', deep), 400],
        ['control', rawPost('/api/v1/deployments', deep), 400],
        [
          'a template',
          rawPost(
            '/api/v1/deployments',
            `{"name":"deep","model":"churn","version":1,"respond":{"body":{"x":${nested(2_000)}}}}`,
          ),
          400,
        ],
      ]
      return expectRefusals(targets, rows)
    },
  },
  {
    number: 33,
    words: 'shapes whose product overflows, that are negative, or beyond 2^53',
    run: async (targets) => {
      const shapes: readonly (readonly [string, unknown])[] = [
        ['a negative', [-1, 4]],
        ['two negatives', [-2, -2]],
        ['a product of 2^64', [2 ** 32, 2 ** 32]],
        ['a product that wraps to 4', [2 ** 33, 2 ** 31 + 1]],
        ['2^63', [2 ** 63, 1]],
        ['a fraction', [0.5, 8]],
        ['17 dimensions', Array(17).fill(1)],
        ['texts', ['1', '4']],
        ['none', []],
        ['an object', { length: 2 }],
      ]
      await expectRefusals(
        targets,
        shapes.map(([what, shape]) => [what, tensor({ shape }), 400] as const),
      )
      const raw = Buffer.alloc(32)
      const codes = []
      for (const shape of [[-1, 4], [2 ** 32, 2 ** 32], [2 ** 53, 2 ** 53], [4]])
        codes.push(await grpcCode(targets, grpcTensor(shape, raw)))
      expect(codes).toEqual([INVALID_ARGUMENT, INVALID_ARGUMENT, INVALID_ARGUMENT, INVALID_ARGUMENT])
    },
  },
  {
    number: 34,
    words: 'nothing is reserved for what is only announced',
    run: async (targets) => {
      await expectRefusals(targets, [
        ['16 million elements, four sent', tensor({ shape: [4_194_304, 4] }), 400],
        ['bytes that are not there', binary('JSON', binaryTensor(2 ** 40)), 400],
        [
          'bytes and a shape that are not there',
          binary('JSON', binaryTensor(32, { shape: [4_194_304, 4] })),
          400,
        ],
        [
          'a text of 4 GiB',
          binary('JSON', binaryTensor(32, { datatype: 'BYTES', shape: [1, 1] }), Buffer.alloc(32, 0xff)),
          400,
        ],
      ])
      const lengths = Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])
      expect(await grpcCode(targets, lengths)).toBe(INVALID_ARGUMENT)
      expect(
        await grpcCode(targets, Buffer.concat([...Array(70_000)].map(() => Buffer.from([0x2a, 0])))),
      ).toBe(INVALID_ARGUMENT)
    },
  },
  refusals(35, 'dimensions of zero divide nothing', [
    ['no rows', tensor({ shape: [0, 4], data: [] }), 200],
    ['no columns', tensor({ shape: [1, 0], data: [] }), 400],
    ['neither', tensor({ shape: [0, 0], data: [] }), 400],
    ['one dimension of none', tensor({ shape: [0], data: [] }), 400],
    ['no rows, native', rawPost(PREDICT, '{"rows":[]}'), 200],
    ['no instances', rawPost('/v1/models/churn:predict', '{"instances":[]}'), 200],
    ['no inputs', rawPost(V2, '{"inputs":[]}'), 400],
  ]),
  refusals(36, 'thousands of outputs, and the same one twice, are not computed', [
    [
      '5 000 outputs',
      tensor({}, { outputs: Array.from({ length: 5_000 }, (_, i) => ({ name: `o${i}` })) }),
      400,
    ],
    [
      'one output 200 times',
      tensor({}, { outputs: Array.from({ length: 200 }, () => ({ name: 'predict' })) }),
      400,
    ],
    ['twice', tensor({}, { outputs: [{ name: 'predict' }, { name: 'predict' }] }), 400],
    ['5 000 inputs', rawPost(V2, JSON.stringify({ inputs: Array.from({ length: 5_000 }, () => ({})) })), 400],
    [
      'native, 1 000',
      rawPost(PREDICT, `{"row":${ROW},"outputs":${JSON.stringify(Array(1_000).fill('predict'))}}`),
      400,
    ],
  ]),
  refusals(
    37,
    'the length of the JSON before a binary tensor is a number of bytes there are',
    ['9999', '-1', '2147483648', '99999999999', '+10', '0x10', '1e1', '', 'NaN', '10, 20'].map(
      (length) => [`"${length}"`, binary(length, binaryTensor(32)), 400] as const,
    ),
  ),
  {
    number: 38,
    words: 'callers that go away while they are answered leave no place taken',
    run: async (targets) => {
      const rows = `{"rows":[${Array(10_000).fill(ROW).join(',')}]}`
      await Promise.all(
        Array.from({ length: 30 }, () => sendRaw(targets.url, [rawPost(PREDICT, rows)], { quietMs: 1 })),
      )
      const client = targets.grpc()
      const raw = Buffer.alloc(8 * 4 * 10_000)
      const calls = Array.from({ length: 30 }, () =>
        client.callBytes(
          INFERENCE.ModelInfer.path,
          Buffer.from(ModelInferRequest.encode(grpcTensor([10_000, 4], raw) as never)),
        ),
      )
      for (const call of calls) call.cancel()
      await Promise.all(calls.map(({ answer }) => answer))
      client.close()

      await eventually(async () => (await inFlight(targets)) === 0)
    },
  },
  {
    number: 39,
    words: '20 000 requests that are refused leave nothing behind',
    run: async (targets) => {
      const bodies = ['{', 'null', `{"row":{"total_orders":"x"}}`, `{"rows":[{"${'k'.repeat(200)}":1}]}`]
      const paths = [PREDICT, V2, '/v1/models/churn:predict', '/invocations', '/predictions/churn']
      const requests = paths.flatMap((path) => bodies.map((body) => plainPost(path, body)))
      const counts = []
      for (let batch = 0; batch < 20; batch++)
        counts.push(
          countByStatus(
            await targets.send(Array(50).fill(requests.join('')).join(''), {
              answers: 1_000,
              quietMs: 20_000,
            }),
          ),
        )

      for (const { 400: refused = 0, 503: overloaded = 0 } of counts) expect(refused + overloaded).toBe(1_000)
      expect(await inFlight(targets)).toBe(0)
    },
  },
  refusals(
    40,
    'headers that are none are refused',
    [
      'x',
      ': x',
      'x : y',
      'x\0: y',
      'x: a\0b',
      'x\x7f: y',
      'content-length: abc',
      'content-length: 1_0',
      'content-type application/json',
    ].map((line) => [JSON.stringify(line), headed([line]), 400] as const),
  ),
  refusals(41, 'an upload that announces a petabyte is refused before its first byte', [
    [
      'a petabyte',
      'PUT /api/v1/uploads HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1125899906842624\r\n\r\n',
      413,
      'BODY_TOO_LARGE',
    ],
  ]),
]
