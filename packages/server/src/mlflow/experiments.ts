import {
  createExperiment,
  deleteExperimentTag,
  getExperiment,
  getExperimentByName,
  renameExperiment,
  setExperimentLifecycle,
  setExperimentTag,
} from '../tracking/experiments.ts'
import { everything, ofExperiment, ofNamedExperiment } from './about.ts'
import { experimentOf } from './encode.ts'
import { list, message, required, text } from './fields.ts'
import { change, type MlflowRoute, route } from './route.ts'

const ID = { experiment_id: required(text) }
export const TAG = { key: required(text), value: required(text) }

export const EXPERIMENT_ROUTES: readonly MlflowRoute[] = [
  route('POST', 'experiments/create', 'track', {
    about: everything,
    fields: { name: required(text), artifact_location: text, tags: list(required(message(TAG))) },
    answer: change(async (db, { name, artifact_location: artifactLocation, tags }, { artifactRoot, now }) => {
      const experiment = { name, artifactLocation, artifactRoot, tags, now: now() }
      return { experiment_id: String(await createExperiment(db, experiment)) }
    }),
  }),
  route('GET', 'experiments/get', 'read', {
    about: ofExperiment,
    fields: ID,
    answer: async ({ db }, { experiment_id: id }) => ({
      experiment: experimentOf(await getExperiment(db, id)),
    }),
  }),
  route('GET', 'experiments/get-by-name', 'read', {
    about: ofNamedExperiment,
    fields: { experiment_name: required(text) },
    answer: async ({ db }, { experiment_name: name }) => ({
      experiment: experimentOf(await getExperimentByName(db, name)),
    }),
  }),
  route('POST', 'experiments/update', 'track', {
    about: ofExperiment,
    fields: { ...ID, new_name: required(text) },
    answer: change((db, { experiment_id: id, new_name: name }, { now }) =>
      renameExperiment(db, id, name, now()),
    ),
  }),
  route('POST', 'experiments/delete', 'track', {
    about: ofExperiment,
    fields: ID,
    answer: change((db, { experiment_id: id }, { now }) =>
      setExperimentLifecycle(db, id, { to: 'deleted', now: now() }),
    ),
  }),
  route('POST', 'experiments/restore', 'track', {
    about: ofExperiment,
    fields: ID,
    answer: change((db, { experiment_id: id }, { now }) =>
      setExperimentLifecycle(db, id, { to: 'active', now: now() }),
    ),
  }),
  route('POST', 'experiments/set-experiment-tag', 'track', {
    about: ofExperiment,
    fields: { ...ID, ...TAG },
    answer: change((db, { experiment_id: id, key, value }) => setExperimentTag(db, id, { key, value })),
  }),
  route('POST', 'experiments/delete-experiment-tag', 'track', {
    about: ofExperiment,
    fields: { ...ID, key: required(text) },
    answer: change((db, { experiment_id: id, key }) => deleteExperimentTag(db, id, key)),
  }),
]
