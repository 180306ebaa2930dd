import { fileURLToPath } from 'node:url'
import { installPython } from '../support/python-environment.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))

/** MLflow's own Python client: the newest, and the last of 2.x, each with libraries of its time. */
const CLIENTS = {
  mlflow3: ['mlflow==3.17.2', 'scikit-learn==1.9.1', 'xgboost==3.2.0', 'lightgbm==4.7.0'],
  mlflow2: [
    ...['mlflow==2.22.5', 'sqlalchemy<2.1', 'setuptools<81'],
    ...['scikit-learn==1.6.1', 'xgboost==2.1.4', 'lightgbm==4.6.0'],
  ],
} as const

export type Client = keyof typeof CLIENTS
export const CLIENT_NAMES = Object.keys(CLIENTS) as Client[]

/** The interpreter of a client, installed into a scratch folder with the first run (1.2 GB each). */
export const interpreterOf = (client: Client): Promise<string> =>
  installPython(`${HERE}.cache/${client}`, CLIENTS[client])
