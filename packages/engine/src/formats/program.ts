import { decodeProgram } from '../ir/codec.ts'
import type { Program } from '../ir/program.ts'
import { GlobalRef, InertObject } from '../pickle/values.ts'

const programs = new WeakMap<InertObject, Program>()

/** A stored program as the root of a file. @throws RangeError when the bytes are not one */
export function programObject(bytes: Uint8Array): InertObject {
  const root = new InertObject(new GlobalRef('millwright', 'Program'), [], false)
  programs.set(root, decodeProgram(bytes))
  return root
}

/** The program that a root is; undefined for estimators, which are still to be lowered. */
export const findProgram = (root: InertObject): Program | undefined => programs.get(root)
