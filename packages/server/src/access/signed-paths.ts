/**
 * What is asked for below this brings its permission in its own address, signed by control, and no key: whoever sends a
 * part of an upload, or fetches a file, may know nothing but that address.
 */
export const SIGNED_PATHS = '/api/2.0/mlflow-artifacts/signed/'
