import { expect } from 'vitest'
import { rawPost } from '../support/raw.ts'
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
import { fixture, predictRows, serve } from './registry.ts'
import { binary, binaryTensor, headed, MEBIBYTE, tensor, V2 } from './requests.ts'
import { BODY, JSON_TYPE, PREDICT, ROW } from './target.ts'

/** S42–S52: requests for predictions, by what is in them. */

/** JSON that makes other parsers see something else than what is meant. */
const CONFUSED: readonly (readonly [what: string, body: string])[] = [
  ['rows that say their length', '{"rows":{"length":1000000000}}'],
  ['columns that say their length', `{"columns":{"total_orders":{"length":1000000000}}}`],
  ['__proto__ with the row', '{"row":{"__proto__":{"total_orders":1,"days_since_last_order":1}}}'],
  ['__proto__ beside the row', `{"row":${ROW},"__proto__":{"outputs":[]}}`],
  ['constructor', '{"row":{"constructor":{"prototype":{}},"toString":1}}'],
  ['text for a number', `{"row":${ROW.replace('12', '"12"')}}`],
  ['1e999', `{"row":${ROW.replace('567.89', '1e999')}}`],
  ['4 300 digits', `{"row":${ROW.replace('567.89', '9'.repeat(4_300))}}`],
  ['a lone surrogate', `{"row":{"total_orders":"\\ud800"}}`],
  ['NUL in a name', '{"row":{"total\\u0000_orders":1}}'],
  ['NaN', `{"row":${ROW.replace('567.89', 'NaN')}}`],
  ['true for a number', `{"row":${ROW.replace('12', 'true')}}`],
  ['a list for a number', `{"row":${ROW.replace('12', '[12]')}}`],
]

/** Rows that are alike: values that change places, run together, or are of other types; other outputs; a bad row. */
const KEPT: readonly object[] = [
  ...[
    [1, 23, 45, 0.5],
    [12, 3, 45, 0.5],
    [45, 23, 1, 0.5],
    [1, 23, 450, 0.05],
    [0, 0, 0, 0],
  ].map((row) => ({
    row: Object.fromEntries(Object.keys(JSON.parse(ROW)).map((name, i) => [name, row[i]])),
  })),
  { row: JSON.parse(ROW), outputs: ['predict'] },
  { row: JSON.parse(ROW), outputs: ['predict_proba'] },
  { row: JSON.parse(ROW) },
  { row: { ...JSON.parse(ROW), total_orders: 'many' } },
]

/** What an answer says, but for whom and when. */
function answered({ status, body }: { readonly status: number; readonly body: string }) {
  const { prediction, errors } = JSON.parse(body) as Record<string, object | undefined>
  return { status, prediction: { ...prediction, id: undefined }, errors }
}

export const VALUES: readonly Attack[] = [
  {
    number: 42,
    words:
      'JSON that means something else to another parser is refused by the fast path and the slow one alike',
    run: (targets) =>
      expectRefusals(
        targets,
        CONFUSED.flatMap(([what, body]): Refusal[] => [
          [what, rawPost(PREDICT, body), 400],
          [`${what}, fast`, plainPost(PREDICT, body), 400],
        ]),
      ),
  },
  refusals(
    43,
    'base64 that is badly padded, or would unpack to more, is refused',
    ['====', 'A', 'AAA=A', '!!!!', 'QQ==QQ==', 'A'.repeat(4 * MEBIBYTE)].flatMap((b64): Refusal[] => [
      [
        b64.slice(0, 8),
        rawPost(
          '/v1/models/churn:predict',
          JSON.stringify({ instances: [{ ...JSON.parse(ROW), total_orders: { b64 } }] }),
        ),
        400,
      ],
    ]),
  ),
  refusals(44, 'elements that are declared larger than they are sent do not grow', [
    [
      '4 MiB of INT8 as FP32',
      binary(
        'JSON',
        binaryTensor(4 * MEBIBYTE, { datatype: 'FP32', shape: [1_048_576, 4] }),
        Buffer.alloc(4 * MEBIBYTE),
      ),
      400,
    ],
    [
      '15 MiB of BOOL',
      binary(
        'JSON',
        binaryTensor(15 * MEBIBYTE, { datatype: 'BOOL', shape: [3_932_160, 4] }),
        Buffer.alloc(15 * MEBIBYTE),
      ),
      413,
    ],
    [
      'texts without letters',
      binary(
        'JSON',
        binaryTensor(4 * MEBIBYTE, { datatype: 'BYTES', shape: [262_144, 4] }),
        Buffer.alloc(4 * MEBIBYTE),
      ),
      413,
    ],
    ['a datatype there is not', binary('JSON', binaryTensor(32, { datatype: 'FP8' })), 400],
  ]),
  {
    number: 47,
    words: '5 000 names that do not exist leave no label behind',
    run: async (targets) => {
      const lines = async () =>
        (await targets.ask('GET', '/metrics')).body.match(/^(?!nodejs_|process_)/gm)!.length
      await targets.send(plainPost('/predict/none', ROW), { answers: 1 })
      const before = await lines()
      for (let batch = 0; batch < 10; batch++) {
        const requests = Array.from({ length: 500 }, (_, i) =>
          plainPost(`/v2/models/none-${batch}-${i}/infer`, '{}'),
        )
        expect(
          countByStatus(await targets.send(requests.join(''), { answers: 500, quietMs: 10_000 })),
        ).toEqual({ 404: 500 })
      }
      expect(await lines()).toBeLessThanOrEqual(before + 8)
    },
  },
  {
    number: 48,
    words: 'ids of thousands of letters are refused, or replaced, and not logged',
    run: async (targets) => {
      const long = 'i'.repeat(8_000)
      await expectRefusals(targets, [
        ['id', rawPost(PREDICT, `{"row":${ROW},"id":"${long}"}`), 400, 'VALIDATION_FAILED'],
        ['subject', rawPost(PREDICT, `{"row":${ROW},"subject":"${long}"}`), 400, 'VALIDATION_FAILED'],
        ['of a row', rawPost(PREDICT, `{"rows":[${ROW}],"ids":["${long}"]}`), 400, 'VALIDATION_FAILED'],
        ['V2', tensor({}, { id: long }), 400],
        ['no text', tensor({}, { id: { a: 1 } }), 400],
        ['Request-Id', headed([`request-id: ${long}`]), 200],
      ])
      expect(targets.running.output()).not.toContain(long)
    },
  },
  {
    number: 49,
    words: 'text on which patterns go back and forth takes no longer than its length',
    run: (targets) => {
      const quotes = `{"x":"${'\\"'.repeat(1_000_000)}`
      const paths = ['/v1/models/churn:predict', V2, '/invocations', '/predictions/churn']
      return expectRefusals(targets, [
        ...paths.flatMap((path): Refusal[] => [
          [`${path} quotes that do not end`, rawPost(path, quotes), 400],
          [`${path} open quotes`, rawPost(path, `[${'"a'.repeat(500_000)}`), 400],
          [`${path} minus signs`, rawPost(path, '-'.repeat(2_000_000)), 400],
          [`${path} backslashes`, rawPost(path, `"${'\\'.repeat(2_000_001)}`), 400],
          [`${path} NaN upon NaN`, rawPost(path, `[${'NaN,'.repeat(300_000)}`), 400],
        ]),
        ['a media type', headed([]).replace('application/json', `application/${'a+'.repeat(6_000)}`), 415],
        [
          'a form',
          binaryPost(
            '/predictions/churn',
            Buffer.from(`\r\n--b\r\ncontent-disposition:${'; '.repeat(1_000_000)}\r\n\r\n--b--`),
            [`content-type: multipart/form-data; ${';'.repeat(4_000)} boundary=b`],
          ),
          400,
        ],
        [
          'CSV of quotes',
          rawPost('/invocations', '"'.repeat(2_000_001)).replace('application/json', 'text/csv'),
          400,
        ],
        [
          'a number',
          rawPost(
            '/v1/models/churn:predict',
            JSON.stringify({ instances: [[`${'1_'.repeat(100_000)}x`, 1, 1, 1]] }),
          ),
          400,
        ],
        ['a preference', headed([`prefer: ${' ,'.repeat(6_000)}`]), 200],
        ['an accepted coding', headed([`accept-encoding: ${'gzip;q=0.1,'.repeat(1_000)}`]), 200],
        ['an address', get(`/${'a/'.repeat(4_000)}`), 404],
      ])
    },
  },
  {
    number: 50,
    words: 'what costs a model much is limited in rows and time, and holds up nobody else',
    run: async (targets) => {
      await serve(
        targets,
        'texts',
        fixture(
          'packages/engine/test/fixtures/scikit-learn-1.7.2/spam-tfidf-logistic/model.compress3.joblib',
        ),
      )
      const { inputs } = JSON.parse((await targets.ask('GET', '/v2/models/texts')).body) as {
        inputs: { name: string }[]
      }
      const infer = (times: number) =>
        targets.ask('POST', '/v2/models/texts/infer', {
          body: JSON.stringify({
            inputs: [
              {
                name: inputs[0]!.name,
                datatype: 'BYTES',
                shape: [1, 1],
                data: ['free prize call now '.repeat(times)],
              },
            ],
          }),
        })
      const long = [infer(40_000), infer(400_000)]
      const meanwhile = await Promise.all(
        Array.from({ length: 10 }, () => targets.ask('POST', PREDICT, { headers: JSON_TYPE, body: BODY })),
      )

      expect(meanwhile.map(({ status }) => status)).toEqual(Array(10).fill(200))
      expect((await Promise.all(long)).map(({ status }) => status)).toEqual([200, 400])
      await expectRefusals(targets, [
        [
          '10 001 rows',
          rawPost(PREDICT, `{"rows":[${Array(10_001).fill(ROW).join(',')}]}`),
          413,
          'TOO_MANY_ROWS',
        ],
        [
          'a million rows of CSV',
          rawPost('/invocations', '1,1,1,1\n'.repeat(1_000_000)).replace('application/json', 'text/csv'),
          413,
        ],
        [
          'a million empty rows',
          rawPost('/v1/models/churn:predict', `{"instances":[${Array(1_000_000).fill('{}').join(',')}]}`),
          413,
        ],
      ])
    },
  },
  {
    number: 51,
    words:
      'an answer that is kept is given to the same row, version and outputs alone, and no refusal is kept',
    run: async (targets) => {
      const cache = { ttl: 300, max: 1_000 }
      const [v2, v3] = ['v2', 'v3'].map((name) => fixture(`examples/churn/models/churn_model_${name}.pkl`))
      await serve(targets, 'kept-a', v2!, { cache })
      await serve(targets, 'kept-b', v3!, { cache })
      await serve(targets, 'fresh-a', v2!)
      await serve(targets, 'fresh-b', v3!)
      const found = []
      let hits = 0
      for (const body of KEPT) {
        for (const name of ['kept-a', 'kept-b', 'kept-a', 'kept-b']) {
          const answer = await predictRows(targets, name, body)
          if (answer.headers.get('cache-status')?.includes('hit')) hits++
          found.push(answered(answer))
        }
      }
      const fresh = []
      for (const body of KEPT) {
        const [a, b] = [
          await predictRows(targets, 'fresh-a', body),
          await predictRows(targets, 'fresh-b', body),
        ]
        fresh.push(...[a, b, a, b].map(answered))
      }

      expect(found).toEqual(fresh)
      expect(hits).toBeGreaterThan(0)
      expect(found.filter(({ status }) => status === 400)).toHaveLength(4)
    },
  },
  {
    number: 52,
    words: 'a bad row changes no answer of the good ones around it',
    run: async (targets) => {
      const bad = { ...JSON.parse(ROW), total_orders: 'x' }
      const rows = Array.from({ length: 300 }, (_, i) =>
        i % 3 === 1 ? bad : { ...JSON.parse(ROW), total_orders: i },
      )
      const ids = rows.map((_, i) => `row-${i}`)
      const together = JSON.parse((await predictRows(targets, 'churn', { rows, ids })).body).predictions as {
        id: string
        error?: unknown
      }[]
      const wrong = []
      for (const [index, answer] of together.entries()) {
        if (rows[index] === bad ? answer.error === undefined : answer.error !== undefined)
          wrong.push(ids[index])
        if (rows[index] === bad || index % 30 !== 0) continue
        const alone = JSON.parse(
          (await predictRows(targets, 'churn', { row: rows[index], id: ids[index] })).body,
        ).prediction
        if (JSON.stringify(alone) !== JSON.stringify(answer)) wrong.push(ids[index])
      }
      expect(wrong).toEqual([])
    },
  },
]
