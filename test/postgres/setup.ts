import { findPostgres, startPostgres } from '../support/postgres.ts'

/** The server that the suite's tests run on; where there is none, they say so and run on SQLite. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  const bin = findPostgres()
  if (bin === undefined) {
    console.warn(
      'PostgreSQL is not installed (apt-get install postgresql): there is nothing to run these tests on',
    )
    return undefined
  }
  const { url, stop } = await startPostgres(bin)
  process.env.MILLWRIGHT_TEST_POSTGRES = url
  return stop
}
