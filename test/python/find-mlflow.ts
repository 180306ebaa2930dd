import { join } from 'node:path'
import { installPython } from '../support/python-environment.ts'

/** A Python with mlflow, made with the first run; undefined, and a word, when it cannot be. */
export const findMlflow = (): Promise<string | undefined> =>
  installPython(join(import.meta.dirname, '.cache/mlflow'), ['mlflow==3.17.2', 'scikit-learn==1.9.1']).catch(
    (error: unknown) => {
      console.warn(`skipped: mlflow cannot be installed (${String(error).split('\n')[0]})`)
      return undefined
    },
  )
