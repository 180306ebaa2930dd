import { existsSync, readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { findModelFile } from './model-settings.ts'

/** Most models that are told of. */
const SHOWN = 10

/**
 * Commands that deploy what is in a folder that does not say itself how it is deployed: a model file of a known name, folders
 * that say it, and the models of a Triton repository.
 * @param settings names of files that say it
 */
export function commandsFor(folder: string, settings: readonly string[]): string[] {
  const folders = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort()
  const commands = [folder, ...folders].flatMap((path) => {
    if (settings.some((name) => existsSync(join(path, name)))) return [`millwright deploy ${path}`]
    const version = newestVersion(path)
    const file = findModelFile(version)
    if (file !== undefined) return [`millwright deploy ${file} --name ${basename(resolve(path))}`]
    const code = join(version, 'model.py')
    return existsSync(code)
      ? [`${code} is Python code, which does not run here: deploy the model file that it loads`]
      : []
  })
  return commands.length > SHOWN
    ? [...commands.slice(0, SHOWN), `and ${commands.length - SHOWN} more, one for each folder of ${folder}`]
    : commands
}

/** Triton keeps the files of a model in folders of its versions, beside its config.pbtxt. */
function newestVersion(folder: string): string {
  const versions = readdirSync(folder).filter((name) => /^\d{1,9}$/.test(name))
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1)
  return newest === undefined ? folder : join(folder, newest)
}
