import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DeploymentFile } from '@millwright/contracts'
import { parse } from 'smol-toml'
import { CommandError } from './command.ts'
import { deploymentOfModelSettings } from './model-settings.ts'
import { commandsFor } from './models-below.ts'
import { readText } from './read-file.ts'

/** Names of the file that says how a folder is deployed, the first that is there. The last one is MLServer's. */
const PARSERS: Readonly<Record<string, (text: string, folder: string) => unknown>> = {
  'millwright.toml': (text) => parse(text),
  'deployment.json': (text) => JSON.parse(text),
  'model-settings.json': (text, folder) => deploymentOfModelSettings(folder, JSON.parse(text)),
}
const NAMES = Object.keys(PARSERS)

/** The folder that a path names: itself, or the one whose settings file it is. */
export function folderOf(path: string, isDirectory: boolean): string | undefined {
  if (isDirectory) return path
  return NAMES.includes(basename(path)) ? dirname(path) : undefined
}

/** Reads how a folder is deployed. @throws CommandError that says what is wrong, and where */
export async function readDeploymentFile(folder: string): Promise<DeploymentFile> {
  const name = NAMES.find((candidate) => existsSync(join(folder, candidate)))
  if (name === undefined) {
    const commands = commandsFor(folder, NAMES)
    throw new CommandError(
      `${folder} is a folder without ${NAMES.slice(0, -1).join(', ')} or ${NAMES.at(-1)}`,
      commands.length === 0 ? ['give the model file itself'] : commands,
    )
  }
  const path = join(folder, name)
  const result = DeploymentFile.safeParse(parsed(path, await readText(path)))
  if (result.success) return result.data
  const { path: at, message } = result.error.issues[0]!
  throw new CommandError(`${path}: ${at.length === 0 ? '' : `/${at.join('/')} `}${message}`)
}

function parsed(path: string, text: string): unknown {
  try {
    return PARSERS[basename(path)]!(text, dirname(path))
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${path} cannot be read: ${(error as Error).message}`)
  }
}
