import { readFileSync } from 'node:fs'

/** A request of MLflow's client and what MLflow's server answered. */
export type Exchange = {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly body: string
  /** Of a file that is sent: its size, of which `body` is the start, or nothing. */
  readonly bytes?: number
  /** JSON; empty where the answer is a file. */
  readonly answer: string
}

/** A place where ours is not what was recorded. */
export type Difference = {
  /** Line of the trace, from 1. */
  readonly line: number
  readonly request: string
  /** `status`, or a path in the answer: `run.info.status`. */
  readonly field: string
  readonly recorded: unknown
  readonly ours: unknown
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
type Fields = { readonly [key: string]: Json }

export const readTrace = (): Exchange[] =>
  readFileSync(new URL('trace.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Exchange)

const ID = /^(m-)?[0-9a-f]{32}$/
/** Made by the server, in its own way. */
const NAMES = new Set(['run_name', 'name'])
/** Read from the server's clock. */
const CLOCK = /^(creation|last_updated?)_time(stamp)?(_ms)?$/
/** What lists are sorted by, where their order says nothing. */
const SORTED_BY = ['key', 'path', 'alias', 'version'] as const

/**
 * Sends a trace in order; ids and invented names that a server gives become those that ours gave.
 * @param instead what is sent for files of these names, which are not in the trace
 */
export async function replay(
  url: string,
  trace: readonly Exchange[],
  instead: Readonly<Record<string, Buffer>>,
): Promise<Difference[]> {
  const ours = new Map<string, string>()
  const files = new Map<string, Buffer>()
  const differences: Difference[] = []
  const translate = (text: string): string => {
    let translated = text
    for (const [theirs, own] of ours) translated = translated.replaceAll(theirs, own)
    return translated
  }
  for (const [index, exchange] of trace.entries()) {
    const path = translate(exchange.path)
    const sent = bodyOf(exchange, translate, instead)
    if (exchange.method === 'PUT') files.set(path, sent!)
    const { status, bytes } = await send(url + path, exchange.method, sent)
    const found: Context['found'] = (field, recorded, got) => {
      const request = `${exchange.method} ${exchange.path}`
      differences.push({ line: index + 1, request, field, recorded, ours: got })
    }
    const file = exchange.method === 'GET' ? files.get(path) : undefined
    if (status !== exchange.status) found('status', exchange.status, status)
    else if (file === undefined) compareText(exchange.answer, bytes.toString(), { ours, translate, found })
    else if (!bytes.equals(file)) found('file', file.length, bytes.length)
  }
  return differences
}

async function send(url: string, method: string, body: Buffer | undefined) {
  const headers = { 'content-type': method === 'PUT' ? 'text/plain' : 'application/json' }
  const sent = body === undefined ? {} : { body: new Uint8Array(body), headers }
  const response = await fetch(url, { method, ...sent })
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) }
}

/** A file is filled up to its size. */
function bodyOf(
  { method, path, body, bytes = 0 }: Exchange,
  translate: (text: string) => string,
  instead: Readonly<Record<string, Buffer>>,
) {
  if (method === 'GET') return undefined
  const other = instead[path.split('/').at(-1)!]
  if (other !== undefined) return other
  const text = Buffer.from(translate(body))
  return method === 'PUT'
    ? Buffer.concat([text, Buffer.alloc(Math.max(0, bytes - text.length))]).subarray(0, bytes)
    : text
}

type Context = {
  readonly ours: Map<string, string>
  readonly translate: (text: string) => string
  readonly found: (field: string, recorded: unknown, ours: unknown) => void
}

function compareText(recorded: string, own: string, context: Context): void {
  const theirs = parse(recorded)
  const answer = parse(own)
  // An answer that was not recorded whole.
  if (theirs === undefined) return
  if (answer === undefined) {
    context.found('answer', 'JSON', own.slice(0, 200))
    return
  }
  learn(theirs, answer, context.ours)
  compare('', parse(context.translate(recorded))!, answer, context)
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

const isFields = (value: Json | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Ids and invented names that are not known yet. */
function learn(theirs: Json, own: Json | undefined, ours: Map<string, string>, name = ''): void {
  if (Array.isArray(theirs) && Array.isArray(own))
    sorted(theirs).forEach((one, index) => {
      learn(one, sorted(own)[index], ours)
    })
  else if (isFields(theirs) && isFields(own))
    for (const key in theirs) learn(theirs[key]!, own[key], ours, key)
  else if (typeof theirs === 'string' && typeof own === 'string' && !ours.has(theirs)) {
    const isId = ID.test(theirs) && ID.test(own)
    const isInvented =
      NAMES.has(name) && /^[a-z]+-[a-z]+-\d+$/.test(theirs) && /^[a-z]+-[a-z]+-\d+$/.test(own)
    if (isId || isInvented) ours.set(theirs, own)
  }
}

function compare(field: string, theirs: Json, own: Json | undefined, context: Context): void {
  const { found } = context
  if (Array.isArray(theirs) && Array.isArray(own)) {
    const other = sorted(own)
    if (theirs.length !== own.length) found(`${field}.length`, theirs, own)
    else
      for (const [index, one] of sorted(theirs).entries())
        compare(`${field}[${index}]`, one, other[index], context)
  } else if (isFields(theirs) && isFields(own)) {
    for (const key of new Set([...Object.keys(theirs), ...Object.keys(own)]))
      compareField(
        field === '' ? key : `${field}.${key}`,
        key,
        { theirs: theirs[key], own: own[key] },
        context,
      )
  } else if (theirs !== own) found(field, theirs, own)
}

type Pair = { readonly theirs: Json | undefined; readonly own: Json | undefined }

function compareField(field: string, key: string, { theirs, own }: Pair, context: Context): void {
  if (CLOCK.test(key)) {
    if (typeof own !== typeof theirs) context.found(field, theirs, own)
  } else if (theirs === undefined) context.found(field, undefined, own)
  else compare(field, theirs, own, context)
}

/** By what names their items, where they have names. */
function sorted(list: readonly Json[]): readonly Json[] {
  const key = SORTED_BY.find((one) => list.every((item) => isFields(item) && typeof item[one] === 'string'))
  if (key === undefined) return list
  return list.toSorted((a, b) => ((a as Fields)[key]! < (b as Fields)[key]! ? -1 : 1))
}
