/** What a key allows. Each is one word of the table below. */
export const SCOPES = ['predict', 'read', 'label', 'track', 'deploy', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** What a caller must be allowed to do; `public`: nothing. */
export type Permission = 'public' | Scope

type ScopeRow = { readonly allows: readonly Scope[]; readonly meaning: string }

/** Everything that a scope allows, itself included. */
export const SCOPE_TABLE: Readonly<Record<Scope, ScopeRow>> = {
  predict: { allows: ['predict'], meaning: 'ask deployments for predictions' },
  read: {
    allows: ['read'],
    meaning: 'see models, deployments, the prediction log, events, metrics and the pages',
  },
  label: { allows: ['label'], meaning: 'send what turned out to be true' },
  track: {
    allows: ['read', 'track'],
    meaning: 'log experiments, runs, models and files, register versions',
  },
  deploy: {
    allows: ['predict', 'read', 'label', 'track', 'deploy'],
    meaning: 'upload models, deploy, promote, roll back, change settings',
  },
  admin: {
    allows: ['predict', 'read', 'label', 'track', 'deploy', 'admin'],
    meaning: 'make, rotate and revoke keys, and all the others',
  },
}

export const KEY_KINDS = ['personal', 'service', 'deployment'] as const
export type KeyKind = (typeof KEY_KINDS)[number]

type KindRow = {
  /** Begins the text of every key of the kind, so that scanners and people know one when they see it. */
  readonly prefix: string
  readonly scopes: readonly Scope[]
  /** Longest life, in days; undefined: a key may never expire. */
  readonly maxDays?: number
  readonly meaning: string
}

export const KIND_TABLE: Readonly<Record<KeyKind, KindRow>> = {
  personal: {
    prefix: 'mwp_',
    scopes: SCOPES,
    maxDays: 366,
    meaning: 'one person’s, whom the event log names; always expires, in at most 366 days',
  },
  service: {
    prefix: 'mws_',
    scopes: SCOPES,
    meaning: 'a program’s of your own: CI, Prometheus, a job; may never expire',
  },
  deployment: {
    prefix: 'mwd_',
    scopes: ['predict', 'read', 'label'],
    meaning: 'an application’s that calls the deployments named in it, and nothing else; may never expire',
  },
}
