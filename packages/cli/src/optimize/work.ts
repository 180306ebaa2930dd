import type { Forest, Frame, Program } from '@millwright/engine'
import type { ModelFiles } from '../model-parts.ts'
import type { Terminal } from '../terminal.ts'
import type { Judge } from './judge.ts'

/** What was asked for. */
export type Asked = {
  readonly files: ModelFiles
  readonly data: string
  readonly target: string
  readonly metric: string | undefined
  readonly margin: number | undefined
  readonly trees: number | undefined
  readonly depth: number | undefined
  readonly write: string | undefined
  readonly picture: string | undefined
}

/** A model and labelled rows that it accepts. */
export type Work = {
  readonly asked: Asked
  readonly program: Program
  readonly frame: Frame
  readonly judge: Judge
  /** What is to be known about the rows. */
  readonly rows: string
  readonly forests: readonly Forest[]
}

/** What came of it, ready to be shown and written. */
export type Outcome = {
  readonly document: Readonly<Record<string, unknown>>
  readonly show: (terminal: Terminal) => void
  readonly recommendation: string
  readonly notes: readonly string[]
  readonly smaller: Program
  /** What was done to the model, in words. */
  readonly changes: readonly string[]
  readonly picture: (() => string) | undefined
}
