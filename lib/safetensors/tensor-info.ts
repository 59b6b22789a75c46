/** A named tensor without its values, as every format and the addon describe it. */

/** `dtype` is one of safetensors' names: F32, I64, U8, ... */
export type TensorInfo = { name: string; dtype: string; shape: number[] }
