import type { ParseArgsOptionsConfig } from 'node:util'
import type { Client } from '@millwright/client'
import type { Terminal } from './terminal.ts'

export type Values = Readonly<Record<string, string | boolean | string[] | undefined>>

/** What every command gets; nothing in a command reads the process itself. */
export type CliContext = {
  readonly terminal: Terminal
  /** Address of the server: --url, MILLWRIGHT_URL, or the default. */
  readonly url: string
  readonly client: Client
  /** MILLWRIGHT_API_KEY is set: the client sends it. */
  readonly withKey: boolean
  readonly apiKey: string | undefined
  /** --json: stdout is one JSON document. */
  readonly json: boolean
  /** Every command by name, for those that speak of others. */
  readonly commands: Readonly<Record<string, () => Promise<Command>>>
}

export type Command = {
  /** Lines after "Usage: millwright", then options and examples: the whole help text. */
  readonly usage: string
  readonly options: ParseArgsOptionsConfig
  /** Returns the exit code; undefined is 0. @throws UsageError, ClientError, Error */
  run(context: CliContext, values: Values, positionals: readonly string[]): Promise<number | undefined>
}

/** The command line was wrong. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A failure in words for the user, with what to do next and the exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly hints: readonly string[]
  readonly exitCode: number
  constructor(message: string, hints: readonly string[] = [], exitCode = 1) {
    super(message)
    this.hints = hints
    this.exitCode = exitCode
  }
}

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  auth: 4,
  gate: 5,
  timeout: 6,
  conflict: 7,
  interrupted: 130,
} as const

export function textOption(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** @throws UsageError unless the option is a whole number above 0 */
export function countOption(values: Values, name: string): number | undefined {
  const text = textOption(values, name)
  if (text === undefined) return undefined
  const number = Number(text.replace(/^v/, ''))
  if (!Number.isInteger(number) || number < 1)
    throw new UsageError(`--${name} takes a whole number above 0, got ${JSON.stringify(text)}`)
  return number
}

/** @throws UsageError unless the option is a number from 0 to 100 */
export function percentOption(values: Values, name: string): number | undefined {
  const text = textOption(values, name)
  if (text === undefined) return undefined
  const number = Number(text.replace(/ ?%$/, ''))
  if (text.trim() === '' || !(number >= 0 && number <= 100))
    throw new UsageError(`--${name} takes a number from 0 to 100, got ${JSON.stringify(text)}`)
  return number
}

/** @throws UsageError when there are not exactly the named arguments */
export function takeArguments(positionals: readonly string[], ...names: readonly string[]): string[] {
  const required = names.filter((name) => !name.endsWith('?')).length
  if (positionals.length < required) throw new UsageError(`missing ${names[positionals.length]}`)
  if (positionals.length > names.length)
    throw new UsageError(`unexpected argument ${JSON.stringify(positionals[names.length])}`)
  return [...positionals]
}
