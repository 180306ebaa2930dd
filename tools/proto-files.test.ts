import { readFileSync } from 'node:fs'
import fc, { type Arbitrary } from 'fast-check'
import protobuf from 'protobufjs'
import { expect, test } from 'vitest'
import { HEALTH } from '../packages/server/src/gateway/doors/grpc-health.ts'
import { MODEL, PREDICTION } from '../packages/server/src/gateway/doors/tensorflow-grpc/messages.ts'
import { INFERENCE, MODEL_REPOSITORY } from '../packages/server/src/gateway/doors/v2-grpc/services.ts'
import { type Field, type Message, type Type, text } from '../packages/server/src/gateway/protobuf/message.ts'
import { buildProtoFiles } from './proto-files.ts'

const FILES = buildProtoFiles()
const SERVICES = [INFERENCE, MODEL_REPOSITORY, PREDICTION, MODEL, HEALTH]
const MESSAGES = SERVICES.flatMap((service) =>
  Object.values(service).flatMap(({ path, request, response }) =>
    [request, response].map((message) => ({
      name: `${path} ${message.name}`,
      message: message as unknown as Message<object>,
      full: `${/^\/(.+)\.\w+\//.exec(path)![1]}.${message.name}`,
    })),
  ),
)

test.each(Object.entries(FILES))('docs/reference/grpc/%s is what the tables say', (name, written) => {
  expect(readFileSync(new URL(`../docs/reference/grpc/${name}`, import.meta.url), 'utf8')).toBe(written)
})

const root = new protobuf.Root()
for (const source of Object.values(FILES)) protobuf.parse(source, root, { keepCase: true })
root.resolveAll()

const SAFE = 2 ** 53 - 1
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const SCALARS: Readonly<Record<string, Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  int32,
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  int64: fc.oneof(int32, fc.integer({ min: -SAFE, max: SAFE })),
  uint64: fc.integer({ min: 0, max: SAFE }),
  float: fc.float({ noNaN: true }).filter((value) => !Object.is(value, -0)),
  double: fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0)),
  string: fc.string({ unit: 'grapheme', maxLength: 200 }),
  bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
}

/** Any value of a type. Maps and text in bytes are values of their own on either side. */
function anyOf(type: Type<unknown>): Arbitrary<unknown> {
  const { fields } = type as Message<object>
  if (fields !== undefined) return messageOf(fields)
  return type === text ? SCALARS.string! : (SCALARS[type.name] ?? int32)
}

function messageOf(fields: Readonly<Record<string, Field<unknown, unknown>>>): Arbitrary<object> {
  const entries = Object.entries(fields).map(([name, { declared, type }]): [string, Arbitrary<unknown>] => {
    const one = anyOf(type)
    if (declared.startsWith('repeated')) return [name, fc.array(one, { maxLength: 3 })]
    if (declared.startsWith('map'))
      return [
        name,
        fc
          .array(fc.tuple(fc.string(), one), { maxLength: 3 })
          .map((all) => new Map(all as [string, unknown][])),
      ]
    return [name, declared.startsWith('optional') ? fc.option(one, { nil: undefined }) : one]
  })
  return fc.record(Object.fromEntries(entries), { requiredKeys: Object.keys(fields) })
}

/** A decoded value as protobufjs has it: maps are objects, text in bytes is bytes, what was not sent is not there. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, TEXT_IN_BYTES.has(key) ? (item as unknown[]).map(hexOf) : plain(item)]),
  )
}
const TEXT_IN_BYTES = new Set(['bytes_contents', 'string_val'])
const hexOf = (item: unknown): string => Buffer.from(item as string | Uint8Array).toString('hex')

test.each(MESSAGES)('protobufjs and the tables read each other: $name', ({ message, full }) => {
  const type = root.lookupType(full)
  const options = { longs: Number, arrays: true, objects: true, defaults: false, keepCase: true }
  const read = (bytes: Uint8Array): unknown => {
    const peer = type.toObject(type.decode(bytes), options)
    return plain(withDefaults(peer, message))
  }
  fc.assert(
    fc.property(messageOf(message.fields), (value) => {
      const ours = message.encode(value)

      expect(read(ours)).toEqual(plain(value))
      expect(plain(message.decode(Buffer.from(type.encode(type.decode(ours)).finish())))).toEqual(
        plain(value),
      )
    }),
    { numRuns: 50 },
  )
})

/** protobufjs leaves out what was not sent; scalars without `optional` have their default then. */
function withDefaults(value: Record<string, unknown>, { fields }: Pick<Message<object>, 'fields'>): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { declared, type, initial }]) => {
      const given = value[name]
      const inner = type as Partial<Message<object>>
      const whole = (item: unknown): unknown =>
        inner.fields === undefined
          ? item
          : withDefaults(item as Record<string, unknown>, { fields: inner.fields })
      if (given === undefined) return [name, initial]
      if (declared.startsWith('repeated')) return [name, (given as unknown[]).map(whole)]
      if (!declared.startsWith('map')) return [name, whole(given)]
      return [name, new Map(Object.entries(given as object).map(([key, item]) => [key, whole(item)]))]
    }),
  )
}
