import { readdirSync, readFileSync } from 'node:fs'

/** What the processes of one role hold together. */
export type Held = { readonly processes: number; readonly megabytes: number; readonly descriptors: number }

/** By the first that its command line has; whatever else runs for a while is `other`. */
const ROLES: Readonly<Record<string, RegExp>> = {
  control: /\0control\0/,
  gateway: /\0gateway\0/,
  host: /host-process/,
  supervisor: /\0up\0/,
}

/** Resident memory and open files of processes, by role. One that ends meanwhile is left out. */
export function heldBy(pids: readonly number[]): Readonly<Record<string, Held>> {
  const held: Record<string, Held> = {}
  for (const pid of pids)
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      const role = Object.keys(ROLES).find((name) => ROLES[name]!.test(command)) ?? 'other'
      const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]
      const { processes, megabytes, descriptors } = held[role] ?? NOTHING
      held[role] = {
        processes: processes + 1,
        megabytes: megabytes + (Number(resident) * 1024) / 1e6,
        descriptors: descriptors + readdirSync(`/proc/${pid}/fd`).length,
      }
    } catch {}
  return held
}

export const NOTHING: Held = { processes: 0, megabytes: 0, descriptors: 0 }
