/** Messages of Protocol Buffers as bytes: the few forms that an ONNX model is made of. */

/** A message in the making: pieces that are joined at the end. */
export class Message {
  readonly #pieces: Uint8Array[] = []

  get length(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0)
  }

  /** An integer; a negative one as its two's complement of 64 bits. */
  int(field: number, value: number): this {
    return this.#add(varint(BigInt(field) << 3n), varint(BigInt.asUintN(64, BigInt(value))))
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    return this.#add(varint((BigInt(field) << 3n) | 5n), bytes)
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#add(prefix(field, value.length), value)
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value))
  }

  message(field: number, value: Message): this {
    return this.#add(prefix(field, value.length), ...value.#pieces)
  }

  #add(...pieces: Uint8Array[]): this {
    this.#pieces.push(...pieces)
    return this
  }

  toBytes(): Uint8Array {
    return Buffer.concat(this.#pieces)
  }
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

/** What stands before `length` bytes of a field, so that they can be written without being held. */
export const prefix = (field: number, length: number): Uint8Array =>
  Buffer.concat([varint((BigInt(field) << 3n) | 2n), varint(BigInt(length))])
