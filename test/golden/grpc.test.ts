import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PredictResponse } from '../../packages/server/src/gateway/doors/tensorflow-grpc/messages.ts'
import { parseTensor } from '../../packages/server/src/gateway/doors/tensorflow-grpc/tensors.ts'
import { ModelInferResponse, ModelRequest } from '../../packages/server/src/gateway/doors/v2-grpc/messages.ts'
import { DATATYPES } from '../../packages/server/src/gateway/tensors/datatype.ts'
import { openDialects } from '../../packages/server/test/dialects.ts'
import { connect, type Failure } from '../../packages/server/test/grpc-client.ts'
import { type GrpcRecord, listRecords, nameOfStatus, RECORDS } from './grpc-records.ts'

/**
 * gRPC calls of real clients, sent again byte for byte: the status and the values are those that their server gave, or
 * the difference is one of those listed.
 */
const records = listRecords()
if (records.length === 0) console.warn(`skipped: the recorded calls are not at ${RECORDS}`)

const IRIS = `${RECORDS}models/iris-lr.joblib`
const OTHERS = {
  'iris-rf': `${RECORDS}models/iris-rf.joblib`,
  'iris-xgb': `${RECORDS}models/iris-xgb.json`,
  'iris-meta': IRIS,
  'iris-batched': IRIS,
  multi: IRIS,
  'mixed-pd': `${RECORDS}models/mixed.joblib`,
}

type Difference = {
  readonly of: RegExp
  readonly from: string
  readonly to: string
  readonly because: string
}

/** Where another status is answered than was recorded. A record may match several; each must match one at least. */
const DIFFERENCES: readonly Difference[] = [
  {
    of: /shared.memory/,
    from: 'OK|UNIMPLEMENTED',
    to: 'OK|UNIMPLEMENTED|INVALID_ARGUMENT',
    because: 'there is none: its list is empty, nothing can be added or read',
  },
  {
    of: /string int64 float bool inputs/,
    from: 'NOT_FOUND',
    to: 'INVALID_ARGUMENT',
    because: 'the recorder had no such model; ours has no such input',
  },
  { of: /ModelStreamInfer/, from: 'NOT_FOUND', to: 'OK', because: 'an error of a stream is an answer in it' },
  {
    of: /./,
    from: 'INTERNAL',
    to: 'INVALID_ARGUMENT',
    because: 'bad input is told as such, not as a fault of the server',
  },
  {
    of: /garbage message/,
    from: 'UNKNOWN',
    to: 'INVALID_ARGUMENT',
    because: 'the same of bytes that are no message',
  },
  {
    of: /ModelReady|is_model_ready/,
    from: 'NOT_FOUND|UNKNOWN',
    to: 'OK',
    because: 'ready: false, as Triton says it; its client raises otherwise',
  },
  {
    of: /zero rows/,
    from: 'INTERNAL|INVALID_ARGUMENT',
    to: 'OK',
    because: 'no rows have no answers; clients read empty tensors',
  },
  { of: /mixed: columns/, from: 'INTERNAL', to: 'OK', because: 'text labels are answered' },
  {
    of: /id newline|id unicode/,
    from: 'INTERNAL',
    to: 'OK',
    because: 'an id is echoed in the message, not in a header',
  },
  {
    of: /two inputs one name|extra input/,
    from: 'OK',
    to: 'INVALID_ARGUMENT',
    because: 'what is not read is told, not passed over',
  },
  {
    of: /two raw for one input/,
    from: 'OK',
    to: 'INVALID_ARGUMENT',
    because: 'the protocol asks for as many as inputs',
  },
  {
    of: /contents of another type/,
    from: 'OK',
    to: 'INVALID_ARGUMENT',
    because: 'the protocol has one field for each datatype',
  },
  {
    of: /outputs: duplicate/,
    from: 'OK',
    to: 'INVALID_ARGUMENT',
    because: 'two outputs of one name cannot be told apart',
  },
  {
    of: /NaN raw/,
    from: 'OK',
    to: 'INVALID_ARGUMENT',
    because: 'the model takes no missing values; its library would raise',
  },
  {
    of: /another tensor name/,
    from: 'INVALID_ARGUMENT',
    to: 'OK',
    because: 'MLServer and KServe take any name for the only tensor',
  },
  { of: /FP64/, from: 'INVALID_ARGUMENT', to: 'OK', because: 'any datatype of numbers is taken for numbers' },
  {
    of: /65 over 64/,
    from: 'INVALID_ARGUMENT',
    to: 'OK',
    because: "the limit of rows is the server's, not the model's",
  },
  {
    of: /[Uu]nload/,
    from: 'OK|INTERNAL|NOT_FOUND',
    to: 'UNAVAILABLE|NOT_FOUND',
    because: 'control, which is not there, would have to change what is served',
  },
  { of: /unload/, from: 'NOT_FOUND', to: 'OK', because: 'so it is still served' },
  {
    of: /load with/,
    from: 'INTERNAL',
    to: 'UNIMPLEMENTED',
    because: 'configuration and files come with a deployment',
  },
  {
    of: /Load|load/,
    from: 'UNKNOWN|INTERNAL',
    to: 'OK|NOT_FOUND',
    because: 'what is served is loaded, what is not is not there',
  },
  {
    of: /unknown-rpc|statistics|config|repository_index|get_|server_metadata|update_/,
    from: 'UNIMPLEMENTED',
    to: 'OK|NOT_FOUND',
    because: 'an extension the recorded server does not have',
  },
  {
    of: /Classify|Regress/,
    from: 'OK',
    to: 'UNIMPLEMENTED',
    because: 'Predict takes one tensor for each column',
  },
  {
    of: /statistics.*nope|ModelStatistics 'nope'/,
    from: 'INVALID_ARGUMENT',
    to: 'NOT_FOUND',
    because: 'an unknown model is not found by any call',
  },
  {
    of: /trace|log/,
    from: 'OK|INVALID_ARGUMENT',
    to: 'UNIMPLEMENTED',
    because: 'settings of Triton can be read, not changed',
  },
  {
    of: /version label/,
    from: 'OK',
    to: 'NOT_FOUND',
    because: 'a label is that of the version, and none is called stable',
  },
]

/** Where other values are answered than were recorded. */
const OTHER_VALUES: readonly Pick<Difference, 'of' | 'because'>[] = [
  {
    of: /^triton-grpc-\S+ (parameters: content_type np|mixed: columns typed, pd)$/,
    because: 'MLServer’s content_type asks for the prediction alone; Triton does not know it',
  },
  { of: /(?:kserve|mlserver).*class/, because: "classification is Triton's extension" },
  { of: /kserve-grpc.*outputs: predict_proba/, because: 'KServe does not look at the outputs asked for' },
  {
    of: /mlserver-grpc.*mixed: columns typed, two rows/,
    because:
      'MLServer hands text as bytes to the model, which knows no such category; Triton answers as we do',
  },
]

let gateway: Awaited<ReturnType<typeof openDialects>>
let client: ReturnType<typeof connect>
beforeAll(async () => {
  if (records.length === 0) return
  gateway = await openDialects({}, OTHERS)
  client = connect(await gateway.listen())
})
afterAll(async () => {
  client?.close()
  await gateway?.close()
})

/** Asks for a model that only the recording program could serve: an echo, one that raises, one that sleeps. */
const OWN_MODELS = /^(?:echo.*|fail|slow|seq|stream|nan|cold|mixed-int|dtypes|mlflow.*)$/
const isOwn = ({ path, message }: GrpcRecord): boolean =>
  NAMED.test(path) && OWN_MODELS.test(modelOf(message))

/** The rpcs whose first field is the model's name. */
const NAMED = /^\/inference\.GRPCInferenceService\/Model(?:Infer|Metadata|Config|Statistics)$/

function modelOf(message: Buffer): string {
  try {
    return ModelRequest.decode(message).name
  } catch {
    return ''
  }
}

const used = new Set<Pick<Difference, 'of'>>()
const replayed = records.filter((record) => !isOwn(record))

describe.skipIf(records.length === 0)('recorded calls', () => {
  test.each(replayed.map((record) => [record.name, record] as const))('%s', async (_, record) => {
    const answer = await client.callBytes(record.path, record.message).answer
    const code = Buffer.isBuffer(answer) ? 'OK' : nameOfStatus((answer as Failure).code)

    if (code !== record.code) {
      const known = DIFFERENCES.filter(
        ({ of, from, to }) =>
          of.test(record.name) && from.split('|').includes(record.code) && to.split('|').includes(code),
      )
      for (const difference of known) used.add(difference)
      expect(known, `${record.code} was recorded, ${code} is answered`).not.toEqual([])
      return
    }
    const other = OTHER_VALUES.find(({ of }) => of.test(record.name))
    if (other !== undefined) used.add(other)
    else if (Buffer.isBuffer(answer) && record.answer !== undefined)
      expectSameValues(VALUES[record.path], answer, record.answer)
  })

  test.each(records.filter(isOwn).map((record) => [record.name, record] as const))(
    "%s: another program's own model is not found, or its message is refused first",
    async (_, record) => {
      const answer = await client.callBytes(record.path, record.message).answer

      expect(nameOfStatus((answer as Failure).code)).toBe('NOT_FOUND')
    },
  )

  test('every difference is one that there is', () => {
    expect(
      [...DIFFERENCES, ...OTHER_VALUES]
        .filter((difference) => !used.has(difference))
        .map(({ of }) => of.source),
    ).toEqual([])
  })
})

type Values = ReadonlyMap<string, readonly unknown[]>

/** How the values of an answer are read; other rpcs are told by their status alone. */
const VALUES: Readonly<Record<string, (bytes: Buffer) => Values>> = {
  '/inference.GRPCInferenceService/ModelInfer': (bytes) => {
    const { outputs, raw_output_contents: raw } = ModelInferResponse.decode(bytes)
    return new Map(
      outputs.map(({ name, datatype, contents }, index) => [
        name,
        raw[index] === undefined
          ? (Object.values(contents ?? {}).find((values) => values.length > 0) ?? [])
          : Array.from(DATATYPES.get(datatype)!.decode(raw[index] as Buffer)),
      ]),
    )
  },
  '/tensorflow.serving.PredictionService/Predict': (bytes) =>
    new Map(
      [...PredictResponse.decode(bytes).outputs].map(([name, proto]) => [
        name,
        Array.from(parseTensor(name, proto).elements),
      ]),
    ),
}

/** KServe calls its only output by number; where fewer outputs were recorded, only those are compared. */
function expectSameValues(read: ((bytes: Buffer) => Values) | undefined, ours: Buffer, theirs: Buffer): void {
  if (read === undefined) return
  const own = read(ours)
  for (const [name, values] of read(theirs)) {
    const answered = own.get(name) ?? own.get('predict')
    expect(answered, name).toHaveLength(values.length)
    values.forEach((value, index) => {
      const got = answered![index]
      if (typeof value !== 'number') expect(withoutLabel(got)).toBe(withoutLabel(value))
      else expect(Math.abs(value - Number(got)), `${name}[${index}]`).toBeLessThan(1e-6)
    })
  }
}

/** Triton adds names of classes from a file beside the model: `0.98:0:setosa`. */
const withoutLabel = (value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/^([\d.]+:\d+):.*$/, '$1') : value
