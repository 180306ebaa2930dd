import {
  type Answer,
  compileProgram,
  decodeProgram,
  type Frame,
  isHosted,
  type Method,
  type Program,
  type SelfCheck,
  selfCheck,
} from '@millwright/engine'
import { checkHosted } from './check.ts'
import { type HostLimits, openHost } from './host.ts'

/** Any program, ready to run: compiled here, or by a host. For those who can wait; a gateway tells the two apart. */
export type Runner = {
  readonly program: Program
  /** @throws RowError, HostFailure */
  run(frame: Frame, methods: readonly Method[]): Promise<Answer[]>
  /** Runs it on rows made to find differences: against the reference, or of a host's model against itself. */
  check(): Promise<SelfCheck>
  close(): Promise<void>
}

/** @param bytes the encoded program   @throws RangeError when it is not one, ModelError when it cannot be hosted */
export async function openRunner(bytes: Uint8Array, limits?: HostLimits): Promise<Runner> {
  const program = decodeProgram(bytes)
  if (isHosted(program)) {
    const host = await openHost(bytes, limits)
    return { program, ...host, check: () => checkHosted(program, host) }
  }
  const executable = compileProgram(program)
  return {
    program,
    run: async (frame, methods) => executable.run(frame, methods),
    check: async () => selfCheck(program, executable),
    close: async () => {},
  }
}
