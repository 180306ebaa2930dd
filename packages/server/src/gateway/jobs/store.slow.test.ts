import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Job, JobResult } from './job.ts'
import { createJobStore } from './store.ts'

const JOBS = 300
const LOOKS = 8

test('a job is found at any moment, also while it is begun and answered', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millwright-jobs-'))
  const store = createJobStore({ folder, slot: 0, slots: 1 })
  const faults: unknown[] = []
  for (let i = 0; i < JOBS; i++) {
    const id = `job_${i}`
    await store.accept({ id, deployment: 'churn' } as Job, Buffer.from('{}'))
    const look = async (): Promise<void> => {
      for (let n = 0; n < LOOKS; n++)
        await store.find(id).then(
          (found) => found ?? faults.push(`${id} was not found`),
          (error: unknown) => faults.push(error),
        )
    }
    const answer = async (): Promise<void> => {
      await store.begin(id)
      await store.finish({ id, status: 200 } as JobResult, Buffer.from('{}'))
    }

    await Promise.all([look(), answer(), look()])
  }
  rmSync(folder, { recursive: true })

  expect(faults).toEqual([])
})
