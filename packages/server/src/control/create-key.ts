import { mkdir } from 'node:fs/promises'
import { CreateKey } from '@millwright/contracts'
import { MillwrightError, sentenceOf } from '@millwright/contracts/errors'
import { databaseOf, loadConfig } from '../config.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { createKey } from '../keys/create.ts'
import { type DataLayout, layoutOf } from '../layout.ts'
import { holdDataFolder, StartError } from '../supervisor/preflight.ts'
import { createGateways } from './gateways.ts'
import { parseOrRefuse } from './problems.ts'
import { assertDatabaseNotLost, openRouting } from './routing.ts'

/**
 * Entry of `millwright create-key FOLDER JSON`: makes a key in the data folder of a server that does not run, as the
 * first one must be. Whoever can write the folder could do so anyway. Answers one JSON document: the key, or what is wrong.
 */

/** In the event log there is nobody else to name. */
const BY = 'whoever owns the data folder'

async function make(folder: string, text: string) {
  const layout = layoutOf(folder)
  const request = parseOrRefuse(CreateKey, JSON.parse(text), '')
  await mkdir(layout.root, { recursive: true })
  const lock = await holdDataFolder(layout)
  const database = databaseOf(loadConfig(), layout)
  await assertDatabaseNotLost(database, layout)
  const db = await openDatabase(database)
  try {
    const publish = () => writeSnapshot(db, layout)
    return await createKey({ db, routing: { publish }, now: Date.now }, { ...request, by: BY })
  } finally {
    await db.destroy()
    lock.close()
  }
}

/** So that gateways know the key from their first request on. */
async function writeSnapshot(db: Db, { routing: path }: DataLayout): Promise<void> {
  const gateways = createGateways({ ackTimeoutMs: 0, now: Date.now })
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  ;(await openRouting({ db, path, gateways, log })).stop()
}

const [, , , folder = '', request = ''] = process.argv
try {
  process.stdout.write(`${JSON.stringify({ key: await make(folder, request) })}\n`)
} catch (error) {
  const message = error instanceof MillwrightError ? sentenceOf(error) : (error as Error).message
  const hint = error instanceof StartError ? 'that server can make it: leave out --data' : undefined
  process.stdout.write(`${JSON.stringify({ error: { message, hint } })}\n`)
  process.exitCode = 1
}
