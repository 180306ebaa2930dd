import { takeArguments, UsageError } from './command.ts'

/** `churn 2` and `churn@2` are the same. @throws UsageError */
export function splitName(positionals: readonly string[], ...names: readonly string[]): string[] {
  const given = positionals.length === 1 ? positionals[0]!.split('@') : positionals
  return takeArguments(given, ...names)
}

/** @throws UsageError */
export function readVersion(text: string): number {
  const number = Number(text.replace(/^v/, ''))
  if (!Number.isInteger(number) || number < 1)
    throw new UsageError(`VERSION is a number, got ${JSON.stringify(text)}`)
  return number
}
