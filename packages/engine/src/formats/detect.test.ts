import { describe, expect, test } from 'vitest'
import { findFormat } from './detect.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

describe('files that are not pickles are named', () => {
  test.each([
    ['', 'empty'],
    [
      'version https://git-lfs.github.com/spec/v1\noid sha256:4d\n',
      'a Git LFS pointer: the model itself was not downloaded',
    ],
    ['ZF0x19               x\x9c', 'written by joblib before 0.10'],
    ['\x93NUMPY\x01\x00', 'a numpy array (.npy)'],
    ['PK\x03\x04..model.weights.h5', 'a Keras model'],
    ['PK\x03\x04..archive/data.pkl', 'a PyTorch model'],
    ['PK\x03\x04..arr_0.npy', 'a numpy archive (.npz)'],
    ['PK\x03\x04..readme', 'a zip archive'],
    ['\x89HDF\r\n\x1a\n', 'an HDF5 file, as Keras writes them'],
    ['\x1c\x00\x00\x00TFL3', 'a TensorFlow Lite model'],
    ['{"kind":"x","learner":{}}', 'XGBoost settings or a model of several parts'],
    ['bs64AAA', 'an XGBoost model as text'],
    ['{"cells": []}', 'a Jupyter notebook'],
    ['<?xml version="1.0"?><PMML version="4.4">', 'a PMML document'],
    ['<!DOCTYPE html><html>', 'a web page, probably of a sign-in or an error'],
    ['PAR1\x15', 'a Parquet table'],
    ['\x40\x00\x00\x00\x00\x00\x00\x00{"weight"', 'a safetensors file: weights without a model'],
    ['[{"a": 1}]', 'a JSON document'],
    ['age,income\n1,2\n', 'a CSV table'],
    ['no model at all', 'a text file'],
    ['\x00\x01\x02', 'neither a pickle nor any other model format we know'],
  ])('%j', (head, name) => {
    expect(findFormat(latin1(head))?.name).toBe(name)
  })
})

test.each(['\x80\x04N.', 'N.', '(lp0\nI1\na.', ']\x94.', 'csklearn\nA\n.'])(
  '%j may be a pickle',
  (content) => {
    expect(findFormat(latin1(content))).toBeUndefined()
  },
)
