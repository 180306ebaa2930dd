import { createReadStream, existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SourceFile } from './source.ts'

const OWN = /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.*)$/

/**
 * The folder that a location means on this machine. Whoever wrote the location does not choose what is read: it must be below
 * one of the folders that were named.
 * @throws Error when it is elsewhere
 */
export function localFolder(uri: string, roots: readonly string[]): string {
  const own = OWN.exec(uri)?.[1]
  const other = own === undefined && /^[a-z][a-z0-9+.-]+:/i.test(uri) && !uri.startsWith('file:')
  if (other) throw new Error(`${uri} is in another store; copy it with that store's tools`)
  const found = roots.map((root) => pathAt(uri, root)).find((path) => path !== undefined)
  if (found !== undefined) return found
  throw new Error(
    `${uri} is not below ${roots.join(' or ') || 'a folder that was named'}; name its folder with --artifacts`,
  )
}

function pathAt(uri: string, root: string): string | undefined {
  const own = OWN.exec(uri)?.[1]
  const path = own === undefined ? resolve(plainPath(uri)) : resolve(root, own)
  return path === resolve(root) || path.startsWith(`${resolve(root)}${sep}`) ? path : undefined
}

const plainPath = (uri: string): string =>
  uri.startsWith('file:') ? fileURLToPath(uri.startsWith('file:///') ? uri : `file://${uri.slice(5)}`) : uri

/** Files at any depth, in the order of their names; none where there is no such folder. */
export async function* filesBelow(folder: string, prefix = ''): AsyncGenerator<SourceFile> {
  if (!existsSync(folder)) return
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path, `${prefix}${entry.name}/`)
    else if (entry.isFile()) {
      const { size } = await stat(path)
      yield {
        name: prefix + entry.name,
        bytes: size,
        isNear: true,
        open: async () => createReadStream(path),
      }
    }
  }
}
