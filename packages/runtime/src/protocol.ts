import type { Answer, Frame, Method } from '@millwright/engine'

/** What a host process is told. The first message is the program to load; each other is a run. */
export type HostOrder =
  | { readonly program: Uint8Array }
  | { readonly frame: Frame; readonly methods: readonly Method[] }

/** What the model, or the row, is to blame for; `column` and `field` as in RowError. */
export type RowFault = {
  readonly message: string
  readonly column?: number | undefined
  readonly row?: number | undefined
  readonly field?: string | undefined
}

/** One for each order. `refused`: the model cannot be loaded, or refuses the rows, in words fit to be shown. */
export type HostReply =
  | { readonly ready: true }
  /** With how long computing them took there, in milliseconds. */
  | { readonly answers: Answer[]; readonly computedMs: number }
  | { readonly rowFault: RowFault }
  | { readonly refused: string }
