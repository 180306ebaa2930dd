import { openDatabase } from '../src/db/database.ts'

/** Opens the database that the command line names, and ends with 0 when that went well. */
await (await openDatabase(process.argv[2]!)).destroy()
