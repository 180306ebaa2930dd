import { mkdirSync, writeFileSync } from 'node:fs'
import { HEALTH } from '../packages/server/src/gateway/doors/grpc-health.ts'
import {
  MODEL,
  PREDICTION,
  SignatureDefMap,
} from '../packages/server/src/gateway/doors/tensorflow-grpc/messages.ts'
import { INFERENCE, MODEL_REPOSITORY } from '../packages/server/src/gateway/doors/v2-grpc/services.ts'
import type { Type } from '../packages/server/src/gateway/protobuf/message.ts'
import type { Rpc } from '../packages/server/src/gateway/protobuf/service.ts'

/** node tools/proto-files.ts: writes docs/reference/grpc/*.proto, the messages that a gateway reads and writes, from its own tables. */

type Rpcs = Readonly<Record<string, Rpc>>
type Fields = Rpc['request']['fields']
/** A type that has a declaration of its own. */
type Declared = {
  readonly name: string
  readonly fields?: Fields
  readonly values?: Readonly<Record<string, number>>
}
type File = { readonly services: readonly Rpcs[]; readonly besides?: readonly Declared[] }

const FILES: Readonly<Record<string, File>> = {
  inference: { services: [INFERENCE] },
  model_repository: { services: [MODEL_REPOSITORY] },
  tensorflow_serving: { services: [PREDICTION, MODEL], besides: [SignatureDefMap] },
  health: { services: [HEALTH] },
}

/** Text of every file by its name. */
export const buildProtoFiles = (): Record<string, string> =>
  Object.fromEntries(Object.entries(FILES).map(([name, file]) => [`${name}.proto`, protoOf(file)]))

function protoOf({ services, besides = [] }: File): string {
  const rpcs = services.flatMap((rpcs) => Object.values(rpcs))
  const types = new Map<string, Declared>()
  for (const { request, response } of rpcs) for (const type of [request, response]) collect(type, types)
  for (const type of besides) collect(type, types)
  const package_ = /^\/(.+)\.\w+\//.exec(rpcs[0]!.path)![1]
  return `// Written by tools/proto-files.ts from the tables that a gateway reads and writes messages by.
syntax = "proto3";

package ${package_};

${services.map(serviceText).join('\n')}
${[...types.values()].map(declaration).join('\n')}`
}

function collect(type: Declared, types: Map<string, Declared>): void {
  if (types.has(type.name)) return
  if (type.fields !== undefined || type.values !== undefined) types.set(type.name, type)
  for (const field of Object.values(type.fields ?? {})) collect(field.type as Type<unknown> & Declared, types)
}

function serviceText(rpcs: Rpcs): string {
  const [first] = Object.values(rpcs)
  const lines = Object.entries(rpcs).map(([name, { request, response, streams }]) => {
    const [asks, answers] = [streams === 'both' ? 'stream ' : '', streams === undefined ? '' : 'stream ']
    return `  rpc ${name}(${asks}${request.name}) returns (${answers}${response.name});\n`
  })
  return `service ${/\.(\w+)\//.exec(first!.path)![1]} {\n${lines.join('')}}\n`
}

function declaration({ name, fields, values }: Declared): string {
  const lines = values
    ? Object.entries(values).map(([value, number]) => `  ${value} = ${number};\n`)
    : Object.entries(fields!).map(([own, { declared, number }]) => `  ${declared} ${own} = ${number};\n`)
  return `${values ? 'enum' : 'message'} ${name} {\n${lines.join('')}}\n`
}

if (import.meta.main) {
  const folder = new URL('../docs/reference/grpc/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(buildProtoFiles())) writeFileSync(new URL(name, folder), text)
}
