import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { Decision, type DeploymentFile, Name, Respond } from '@millwright/contracts'
import { textOption, UsageError, type Values } from './command.ts'
import { folderOf, readDeploymentFile } from './deployment-file.ts'
import { filesOfSteps, type ModelFiles, modelFiles } from './model-parts.ts'
import { pathInside } from './path-inside.ts'
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
  /** Id of the run that made it. */
  readonly run: string | undefined
}

/** Options over the folder's settings over guesses. @throws CommandError, UsageError */
export async function planDeploy(path: string, values: Values): Promise<DeployPlan> {
  const isDirectory = (await stat(modelFiles(path, {}).model.path)).isDirectory()
  const folder = folderOf(path, isDirectory)
  const settings: Partial<DeploymentFile> = folder === undefined ? {} : await readSettings(folder)
  const files = filesOf(path, settings, values)
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
    sample: textOption(values, 'sample') ?? settings.sample,
    expected: textOption(values, 'expected') ?? settings.expected,
    target: textOption(values, 'target') ?? settings.target,
    run: textOption(values, 'run'),
  }
}

/** The files of the model: of the folder's steps, or as the options say. @throws UsageError */
function filesOf(path: string, settings: Partial<DeploymentFile>, values: Values): ModelFiles {
  const { file, steps, columns } = settings
  const given = ['after', 'encode', 'columns'].filter((name) => values[name] !== undefined)
  if (steps === undefined)
    return modelFiles(file ?? path, { ...(columns && { columns: columns.join() }), ...values })
  if (given.length > 0)
    throw new UsageError(
      `--${given[0]} and the folder's "steps" both say what goes before the model; drop one of them`,
    )
  return filesOfSteps(steps, columns)
}

/** The settings of a folder with paths that lead there. @throws CommandError */
async function readSettings(folder: string): Promise<DeploymentFile> {
  const settings = await readDeploymentFile(folder)
  const { file, steps, sample, expected } = settings
  const inside = (path: string): string => pathInside(folder, path)
  return {
    ...settings,
    ...(file !== undefined && { file: inside(file) }),
    ...(steps && { steps: steps.map((step) => ({ ...step, file: inside(step.file) })) }),
    ...(sample !== undefined && { sample: inside(sample) }),
    ...(expected !== undefined && { expected: inside(expected) }),
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
