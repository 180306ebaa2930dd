import { existsSync } from 'node:fs'
import { access, chmod, constants, mkdir, rm, stat } from 'node:fs/promises'
import { createConnection, createServer, type Server } from 'node:net'
import { dirname } from 'node:path'
import type { DataLayout } from '../layout.ts'

/** Why the server cannot start, in words for the person who started it. */
export class StartError extends Error {
  readonly exitCode: number
  readonly hint: string
  constructor(message: string, hint: string, exitCode = 1) {
    super(message)
    this.hint = hint
    this.exitCode = exitCode
  }
}

const CONFLICT = 7

/** Makes the data folder ready to be used. @throws StartError when it cannot be written */
export async function prepareDataFolder(layout: DataLayout): Promise<void> {
  const sockets = dirname(layout.controlSocket)
  try {
    for (const folder of [
      layout.root,
      layout.blobs,
      layout.incoming,
      layout.segments,
      layout.predictions,
      sockets,
    ])
      await makeFolder(folder)
    await chmod(sockets, 0o700)
    await access(layout.root, constants.W_OK)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new StartError(
      `the data folder ${layout.root} cannot be written (${code ?? message})`,
      'choose another with --data DIR or MILLWRIGHT_DATA',
    )
  }
}

/** With the folders above it. Node's own recursive form never ends below a folder that lies, such as /proc. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return
    if (code !== 'ENOENT' || existsSync(dirname(folder))) throw error
    await makeFolder(dirname(folder))
    await mkdir(folder)
  }
}

/** Holds the data folder for this process tree: a socket dies with its owner. @throws StartError when it is taken */
export async function holdDataFolder(layout: DataLayout): Promise<Server> {
  if (await answers(layout.lock))
    throw new StartError(
      `another millwright is running on ${layout.root}`,
      'stop it first, or choose another folder with --data DIR',
      CONFLICT,
    )
  await rm(layout.lock, { force: true })
  const server = createServer((socket) => socket.end())
  await listen(server, { path: layout.lock })
  server.unref()
  return server
}

/** @throws StartError when the address cannot be listened on */
export async function checkPort(host: string, port: number): Promise<void> {
  const probe = createServer()
  try {
    await listen(probe, { host, port, exclusive: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new StartError(
        `port ${port} on ${host} is in use`,
        'stop what is using it, or choose another with --port (0 picks a free one)',
        CONFLICT,
      )
    if (code === 'EACCES') throw new StartError(`port ${port} needs more rights`, 'choose a port above 1023')
    throw new StartError(
      `cannot listen on ${host}:${port} (${code ?? message})`,
      'choose another with --host',
    )
  } finally {
    probe.close()
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function listen(server: Server, options: Parameters<Server['listen']>[0] & object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}
