import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Decision, Name, Respond } from '@millwright/contracts'
import { CommandError, textOption, UsageError, type Values } from './command.ts'
import { type ModelFiles, modelFiles } from './model-parts.ts'
import { readText } from './read-file.ts'

/** What `deploy` is about to do, and where each guess came from. */
export type DeployPlan = {
  /** Path of the model's own file. */
  readonly file: string
  readonly files: ModelFiles
  readonly name: string
  readonly nameFrom: string
  readonly label: string | undefined
  readonly decision: Decision | undefined
  readonly respond: Respond | undefined
  readonly sample: string | undefined
  readonly expected: string | undefined
  readonly target: string | undefined
}

/** File of an example folder: the same settings as the options. */
const FOLDER_FILE = 'deployment.json'

/** Options over the folder's settings over guesses. @throws CommandError, UsageError */
export async function planDeploy(path: string, values: Values): Promise<DeployPlan> {
  const folder = (await stat(modelFiles(path, {}).model.path)).isDirectory() ? path : undefined
  const settings = folder === undefined ? {} : await readSettings(folder)
  const inFolder = (file: string | undefined): string | undefined =>
    file === undefined || folder === undefined ? file : join(folder, file)
  if (folder !== undefined && settings.file === undefined)
    throw new CommandError(`${join(folder, FOLDER_FILE)} does not say which "file" to deploy`)
  const files = modelFiles(inFolder(settings.file) ?? path, values)
  const file = files.model.path
  const named = textOption(values, 'name') ?? settings.name
  const guess = named === undefined ? guessName(file) : { name: named, from: 'as asked' }
  const valid = Name.safeParse(guess.name)
  if (!valid.success) throw new UsageError(`"${guess.name}" is not a name: ${valid.error.issues[0]!.message}`)
  return {
    file,
    files,
    name: guess.name,
    nameFrom: guess.from,
    label: textOption(values, 'label') ?? settings.label,
    decision: await readRule(Decision, textOption(values, 'decision') ?? settings.decision, '--decision'),
    respond: await readRule(Respond, textOption(values, 'respond') ?? settings.respond, '--respond'),
    sample: textOption(values, 'sample') ?? inFolder(settings.sample),
    expected: textOption(values, 'expected') ?? inFolder(settings.expected),
    target: textOption(values, 'target') ?? settings.target,
  }
}

type Settings = {
  readonly file?: string
  readonly name?: string
  readonly label?: string
  readonly decision?: unknown
  readonly respond?: unknown
  readonly sample?: string
  readonly expected?: string
  readonly target?: string
}

async function readSettings(folder: string): Promise<Settings> {
  const path = join(folder, FOLDER_FILE)
  try {
    return JSON.parse(await readText(path)) as Settings
  } catch (error) {
    throw new CommandError(
      `${folder} is a folder without a readable ${FOLDER_FILE}: ${(error as Error).message}`,
      ['give the model file itself'],
    )
  }
}

/** `churn_model_v3.pkl` → churn; `model.pkl` takes the folder's name. */
function guessName(file: string): { name: string; from: string } {
  const stem = basename(file)
    .replace(/\.(pkl|pickle|joblib|sav|bin|model|mwm)(\.(gz|z|bz2|xz|lzma|lz4))?$/i, '')
    .replace(/[-_.]v\d+$/i, '')
    .replace(/[-_.](model|pipeline|clf|classifier|regressor)$/i, '')
  const generic = /^(model|pipeline|clf|classifier|regressor|best_model|final_model|)$/i.test(stem)
  const name = generic ? basename(dirname(resolve(file))) : stem
  return {
    name: name.replaceAll(/[^A-Za-z0-9_.-]+/g, '-'),
    from: generic ? 'from the folder name' : 'from the file name',
  }
}

type Rule<T> = {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: PropertyKey[]; message: string }[] } }
}

/** A rule given as JSON, as a file of JSON, or as an object already. */
async function readRule<T>(schema: Rule<T>, given: unknown, option: string): Promise<T | undefined> {
  if (given === undefined) return undefined
  const value = typeof given === 'string' ? await readJsonOption(given, option) : given
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new UsageError(`${option}: /${issue.path.join('/')} ${issue.message}`)
}

async function readJsonOption(given: string, option: string): Promise<unknown> {
  const text = given.trimStart().startsWith('{') ? given : await readText(given)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${option} is neither JSON nor a file of JSON: ${(error as Error).message}`)
  }
}
