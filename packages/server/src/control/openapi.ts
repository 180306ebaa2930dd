import * as contracts from '@millwright/contracts'
import { ERRORS } from '@millwright/contracts'
import { z } from 'zod'
import type { Route } from '../route.ts'
import { VERSION } from '../version.ts'

type Json = Record<string, unknown>

/** A route of which only the description is here: the gateways' own doors. */
export type Door = Omit<Route, 'handle'> & {
  /** An error in the words of a dialect; undefined: a problem document. */
  readonly error?: z.ZodType
}

/** Schemas of contracts are named components; all others are written in place. */
const components = z.registry<{ id: string }>()
for (const [id, value] of Object.entries(contracts))
  if (value instanceof z.ZodType && value instanceof z.ZodObject) components.add(value, { id })

const ProblemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(ERRORS) as [string, ...string[]]),
  request_id: z.string(),
  retryable: z.boolean(),
  errors: z.array(z.object({ pointer: z.string(), code: z.string(), message: z.string() })).optional(),
})

/** OpenAPI 3.1 of the whole port, made of the route table. */
export function buildOpenApi(routes: readonly Door[]): Json {
  const schemas: Json = {}
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    paths[route.path]![route.method.toLowerCase()] = operation(route, schemas)
  }
  schemas.Problem = jsonSchema(ProblemSchema, 'output', schemas)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millwright',
      version: VERSION,
      description:
        'Every error is a problem document (RFC 9457), but those of `dialects`, which their clients read; its `code` is ' +
        'explained at /docs/errors. Where an API key is asked for, it must have the scope that a route names under ' +
        '`security`, and names who changed something; where none is, `X-Millwright-User` is taken on trust.',
    },
    servers: [{ url: '/' }],
    paths,
    components: { schemas, securitySchemes: SECURITY_SCHEMES },
  }
}

const PROBLEM = {
  description: 'Problem',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

const SECURITY_SCHEMES: Json = {
  bearer: { type: 'http', scheme: 'bearer', description: '`Authorization: Bearer KEY`' },
  header: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
  basic: { type: 'http', scheme: 'basic', description: 'Any name; the key is the password' },
}

/** Any of the ways, with the scope. */
const securityOf = ({ permission }: Door): Json[] =>
  permission === 'public' ? [] : Object.keys(SECURITY_SCHEMES).map((scheme) => ({ [scheme]: [permission] }))

function operation(route: Door, schemas: Json): Json {
  const { body, answers } = route
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replaceAll(/[^A-Za-z0-9]+(.)?/g, (_, c) => (c ?? '').toUpperCase())}`,
    summary: route.summary,
    tags: [route.tag],
    security: securityOf(route),
    parameters: [...parameters(route.params, 'path', schemas), ...parameters(route.query, 'query', schemas)],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: requestContent(body, schemas) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, schema]) => [status, response(schema, schemas)]),
      ),
      default:
        route.error === undefined ? PROBLEM : { ...response(route.error, schemas), description: 'Error' },
    },
  }
}

const requestContent = (body: z.ZodType | 'stream', schemas: Json): Json =>
  body === 'stream'
    ? { 'application/octet-stream': {} }
    : { 'application/json': { schema: jsonSchema(body, 'input', schemas) } }

const response = (schema: z.ZodType, schemas: Json): Json => ({
  description: 'Done',
  content: answerContent(schema, schemas),
})

function answerContent(schema: z.ZodType, schemas: Json): Json {
  if (schema instanceof z.ZodString) return { 'text/plain': {} }
  if (schema instanceof z.ZodFile) return { 'application/octet-stream': {} }
  return { 'application/json': { schema: jsonSchema(schema, 'output', schemas) } }
}

function parameters(object: z.ZodObject | undefined, where: 'path' | 'query', schemas: Json): Json[] {
  if (object === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(object, 'input', schemas) as {
    properties?: Json
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema,
  }))
}

/** JSON Schema with references into the document; the named schemas it meets are added to `schemas`. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const {
    $defs = {},
    $schema: _,
    ...own
  } = z.toJSONSchema(schema, {
    metadata: components,
    io,
    unrepresentable: 'any',
  }) as Json & { $defs?: Json }
  for (const [name, definition] of Object.entries($defs)) schemas[name] ??= relocate(definition)
  const { id, ...rest } = relocate(own) as Json
  if (typeof id !== 'string' || !components.has(schema)) return rest
  schemas[id] ??= rest
  return { $ref: `#/components/schemas/${id}` }
}

function relocate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocate)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) =>
      key === '$ref' && typeof item === 'string'
        ? [key, item.replace('#/$defs/', '#/components/schemas/')]
        : [key, relocate(item)],
    ),
  )
}
