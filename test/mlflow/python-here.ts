import { spawnSync } from 'node:child_process'

/** Python 3 that can make environments. */
export const hasPython = spawnSync('python3', ['-m', 'venv', '--help']).status === 0
if (!hasPython) console.warn("skipped: there is no Python 3 with venv on this machine for MLflow's clients")
