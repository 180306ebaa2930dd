import { createHash } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import type { DatabaseAddress } from './address.ts'

/** The server that `npm run test:postgres` runs tests on; with `npm test` there is none, and they run on SQLite. */
const SERVER = process.env.MILLWRIGHT_TEST_POSTGRES

export const hasPostgres = SERVER !== undefined

/** The database of a test: a file in its folder, or one of the server for the folder, made when it is first asked for. */
export const databaseIn = async (folder: string): Promise<DatabaseAddress> =>
  SERVER === undefined ? join(folder, 'millwright.db') : postgresFor(folder)

/** One of the server. @param folder whose it is: the same folder, the same database */
export async function postgresFor(folder: string): Promise<DatabaseAddress> {
  const name = `test_${createHash('sha256').update(folder).digest('hex').slice(0, 24)}`
  const client = new pg.Client(SERVER!)
  await client.connect()
  try {
    await client.query(`create database ${name}`).catch((error: { code: string }) => {
      if (error.code !== DUPLICATE) throw error
    })
  } finally {
    await client.end()
  }
  return SERVER!.replace(/\/postgres$/, `/${name}`)
}

const DUPLICATE = '42P04'
