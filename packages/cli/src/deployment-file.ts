import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { DeploymentFile } from '@millwright/contracts'
import { parse } from 'smol-toml'
import { CommandError } from './command.ts'
import { readText } from './read-file.ts'

/** Names of the file that says how a folder is deployed, the first that is there. */
const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  'millwright.toml': (text) => parse(text),
  'deployment.json': (text) => JSON.parse(text),
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
  if (name === undefined)
    throw new CommandError(`${folder} is a folder without ${NAMES.join(' or ')}`, [
      'give the model file itself',
    ])
  const path = join(folder, name)
  const result = DeploymentFile.safeParse(parsed(path, await readText(path)))
  if (result.success) return result.data
  const { path: at, message } = result.error.issues[0]!
  throw new CommandError(`${path}: ${at.length === 0 ? '' : `/${at.join('/')} `}${message}`)
}

/**
 * A path that a folder's settings name. The folder may come from anywhere, so nothing beside it is sent to a server, be it
 * by `..` or by a link.
 * @throws CommandError
 */
export function pathInside(folder: string, path: string): string {
  const whole = join(folder, path)
  const within = existsSync(whole)
    ? relative(realpathSync(folder), realpathSync(whole))
    : relative(folder, whole)
  if (within !== '..' && !within.startsWith('../')) return whole
  throw new CommandError(`${folder}: "${path}" lies outside of the folder`, [
    'copy it into the folder, or give the model file itself',
  ])
}

function parsed(path: string, text: string): unknown {
  try {
    return PARSERS[basename(path)]!(text)
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${(error as Error).message}`)
  }
}
