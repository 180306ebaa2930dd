/** What names of models, deployments and aliases look like. Without zod, for processes that do without it. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/
