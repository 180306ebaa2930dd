import { existsSync, readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import { describe, expect, test } from 'vitest'
import { buildProtoFiles } from '../../tools/proto-files.ts'
import { RECORDS } from './grpc-records.ts'

/** Fields of messages, read out of the packages of real clients: name → number and type. */
type Facts = Record<string, { messages: Record<string, Record<string, readonly [number, string]>> }>
const FACTS = `${RECORDS}proto-facts.json`
const facts = existsSync(FACTS) ? (JSON.parse(readFileSync(FACTS, 'utf8')) as Facts) : {}

const root = new protobuf.Root()
for (const text of Object.values(buildProtoFiles())) protobuf.parse(text, root, { keepCase: true })

const typesIn = (space: protobuf.NamespaceBase): protobuf.Type[] =>
  space.nestedArray.flatMap((item) =>
    item instanceof protobuf.Type ? [item] : item instanceof protobuf.Namespace ? typesIn(item) : [],
  )

/** Messages of ours that a client's package has under the same name. */
const pairs = Object.entries(facts).flatMap(([client, { messages }]) =>
  typesIn(root).flatMap((type) =>
    Object.entries(messages)
      .filter(([full]) => full.endsWith(`.${type.name}`))
      .map(([full, fields]) => [`${client} ${full}`, type, fields] as const),
  ),
)

describe.skipIf(pairs.length === 0)('the numbers of fields are those of real clients', () => {
  test.each(pairs)('%s', (_, type, theirs) => {
    const known = type.fieldsArray.filter(({ name }) => theirs[name] !== undefined)

    expect(known.map(({ name, id, repeated }) => [name, id, repeated])).toEqual(
      known.map(({ name }) => [name, theirs[name]![0], theirs[name]![1].startsWith('repeated')]),
    )
  })

  test('most messages are among them', () => {
    expect(new Set(pairs.map(([, { name }]) => name)).size).toBeGreaterThan(35)
  })
})
