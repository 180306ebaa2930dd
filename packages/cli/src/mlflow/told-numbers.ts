import { MOST_LAST_NUMBER } from '@millwright/contracts'
import { type Tag, VERSIONS_TAG } from './source.ts'

/** The largest number of a version that was told, by model. */
export type ToldNumbers = Map<string, number>

/** Notes which versions a logged model was registered as: also those that are deleted. What clients wrote otherwise is passed over. */
export function noteNumbers(told: ToldNumbers, tags: readonly Tag[]): void {
  for (const { key, value } of tags)
    if (key === VERSIONS_TAG)
      for (const { name, version } of registeredAs(value)) {
        const number = Number(version)
        if (Number.isInteger(number) && number <= MOST_LAST_NUMBER)
          told.set(String(name), Math.max(told.get(String(name)) ?? 0, number))
      }
}

function registeredAs(text: string): readonly { readonly name?: unknown; readonly version?: unknown }[] {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.map((one: unknown) => one ?? {}) : []
  } catch {
    return []
  }
}
