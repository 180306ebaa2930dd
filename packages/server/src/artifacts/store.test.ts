import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../control/testing.ts'
import { type Db, openDatabase } from '../db/database.ts'
import { databaseIn } from '../db/testing.ts'
import { parseFolder, parsePath } from './path.ts'
import {
  deleteArtifacts,
  getArtifact,
  listArtifactBlobs,
  listFilesBelow,
  listFolder,
  putArtifact,
} from './store.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let db: Db
beforeAll(async () => {
  folder = await temporaryFolder()
  db = await openDatabase(await databaseIn(folder.path))
})
beforeEach(() => db.deleteFrom('artifacts').execute())
afterAll(async () => {
  await db.destroy()
  await folder[Symbol.asyncDispose]()
})

const put = async (...paths: string[]) => {
  for (const [i, path] of paths.entries())
    await putArtifact(db, { path: parsePath(path), digest: `d${i}`, bytes: i, created_at: 5 })
}
const names = async (path: string) =>
  (await listFolder(db, parseFolder(path))).map(({ name, bytes }) =>
    bytes === undefined ? `${name}/` : name,
  )
const all = async () => (await listFilesBelow(db, '')).map(({ path }) => path)

describe('a folder', () => {
  test('shows files with their sizes and folders without, by name', async () => {
    await put('r/model/MLmodel', 'r/model.txt', 'r/model-2/a', 'r/é', 'r/a', 'other/x', 'r0', 'r.txt')

    expect(await listFolder(db, parseFolder('r'))).toEqual([
      { name: 'a', bytes: 4 },
      { name: 'model', bytes: undefined },
      { name: 'model-2', bytes: undefined },
      { name: 'model.txt', bytes: 1 },
      { name: 'é', bytes: 3 },
    ])
    expect(await names('')).toEqual(['other/', 'r/', 'r.txt', 'r0'])
    expect(await names('r/model/MLmodel')).toEqual([])
    expect(await names('nothing')).toEqual([])
  })

  test('is what a walk over all paths says, whatever they are', async () => {
    const name = fc.constantFrom('a', 'a0', 'a.', 'a-', 'b', '0', 'é', '!', '~', '模')
    const paths = fc.uniqueArray(
      fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    )
    await fc.assert(
      fc.asyncProperty(paths, name, async (some, top) => {
        await db.deleteFrom('artifacts').execute()
        for (const path of some)
          await db.insertInto('artifacts').values({ path, digest: '', bytes: 0, created_at: 0 }).execute()
        const inside = some.filter((path) => path.startsWith(`${top}/`)).map((path) => path.split('/')[1]!)
        expect((await listFolder(db, parseFolder(top))).map((entry) => entry.name)).toEqual(
          [...new Set(inside)].sort(),
        )
      }),
      { numRuns: 100 },
    )
  })

  test('with folders of thousands is listed without reading what is in them', async () => {
    const rows = ['a', 'b', 'c'].flatMap((top) =>
      Array.from({ length: 5000 }, (_, i) => ({
        path: `run/${top}/${i}`,
        digest: '',
        bytes: 0,
        created_at: 0,
      })),
    )
    for (let i = 0; i < rows.length; i += 1000)
      await db
        .insertInto('artifacts')
        .values(rows.slice(i, i + 1000))
        .execute()
    let read = 0
    const counted = db.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        read += result.rows.length
        return result
      },
    })

    const entries = await listFolder(counted, parseFolder('run'))

    expect(entries.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(read).toBeLessThanOrEqual(3 * 128)
  })

  test('of thousands of files is listed whole', async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => ({
      path: `run/${i}`,
      digest: '',
      bytes: i,
      created_at: 0,
    }))
    await db.insertInto('artifacts').values(rows).execute()

    expect(await names('run')).toHaveLength(1000)
  })
})

describe('a file', () => {
  test('takes the place of the one before', async () => {
    await put('r/a')
    await putArtifact(db, { path: parsePath('r/a'), digest: 'new', bytes: 9, created_at: 6 })

    expect(await getArtifact(db, parsePath('r/a'))).toEqual({
      path: 'r/a',
      digest: 'new',
      bytes: 9,
      created_at: 6,
    })
    expect([...(await listArtifactBlobs(db))]).toEqual(['new'])
  })

  test('is not found by part of its path, nor in other letters', async () => {
    await put('r/Abc')

    await expect(getArtifact(db, parsePath('r/abc'))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[Error: No such artifact: 'r/abc']`,
    )
    await expect(getArtifact(db, parsePath('r'))).rejects.toMatchObject({ code: 'RESOURCE_DOES_NOT_EXIST' })
  })

  test('cannot be a folder as well', async () => {
    await put('r/a/b')

    await expect(put('r/a')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[Error: 'r/a' is a folder (it holds 'r/a/b'); delete it or choose another name]`,
    )
    await expect(put('r/a/b/c/d')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[Error: 'r/a/b' is a file, so there can be no 'r/a/b/c/d'; delete it or choose another name]`,
    )
  })
})

describe('deleting', () => {
  test('a folder takes all that is in it, and nothing beside it', async () => {
    await put('r/a/b', 'r/a/c/d', 'r/a.txt', 'r/a0', 'r/a-', 'ra/b')

    await deleteArtifacts(db, parsePath('r/a'))

    expect(await all()).toEqual(['r/a-', 'r/a.txt', 'r/a0', 'ra/b'])
  })

  test('a file takes it alone; what is not there is no fault', async () => {
    await put('r/a', 'r/b')

    await deleteArtifacts(db, parsePath('r/a'))
    await deleteArtifacts(db, parsePath('r/a'))

    expect(await all()).toEqual(['r/b'])
  })
})
