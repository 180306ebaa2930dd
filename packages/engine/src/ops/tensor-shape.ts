/** Values of one row of a tensor. */
export const sizeOf = ({ shape }: { readonly shape: readonly number[] }): number =>
  shape.reduce((product, dimension) => product * dimension, 1)
