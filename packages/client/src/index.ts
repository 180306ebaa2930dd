export { type Client, type ClientOptions, createClient, type Page, type PredictionQuery } from './client.ts'
export { ClientError } from './transport.ts'
