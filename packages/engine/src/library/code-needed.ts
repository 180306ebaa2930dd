/**
 * Thrown where the code of a class or an operation is not there yet. Only the browser's bundle has such places: it
 * fetches an estimator's code when a file names it. See `tools/browser-bundle.ts`.
 */
export class CodeNeeded extends Error {
  override readonly name = 'CodeNeeded'
  readonly load: () => Promise<void>

  constructor(what: string, load: () => Promise<void>) {
    super(`the code of ${what} is not loaded yet`)
    this.load = load
  }
}

/** The result of `work`, which is begun anew whenever it needs code that has to be fetched first. */
export async function whenLoaded<T>(work: () => T): Promise<T> {
  for (;;)
    try {
      return work()
    } catch (error) {
      if (!(error instanceof CodeNeeded)) throw error
      await error.load()
    }
}
