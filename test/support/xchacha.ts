// XChaCha20-Poly1305 and HKDF by other means than the SDK's: Node's own ciphers, and HChaCha20 as its draft writes it down
// (draft-irtf-cfrg-xchacha-03, section 2.2). So the vectors are checked against the page, and not against themselves.
import { createDecipheriv, hkdfSync } from 'node:crypto'

const TAG_BYTES = 16

/** Throws where it is not authentic. */
export function openXChaCha(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, box: Uint8Array): Uint8Array {
  const subkey = hchacha20(key, nonce.subarray(0, 16))
  const shortNonce = Buffer.concat([Buffer.alloc(4), nonce.subarray(16)])
  const decipher = createDecipheriv('chacha20-poly1305', subkey, shortNonce, { authTagLength: TAG_BYTES })
  const end = box.length - TAG_BYTES
  decipher.setAAD(data, { plaintextLength: end })
  decipher.setAuthTag(box.subarray(end))
  return Uint8Array.from(Buffer.concat([decipher.update(box.subarray(0, end)), decipher.final()]))
}

export function hkdf(key: Uint8Array, info: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), info, 32))
}

function hchacha20(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const input = Buffer.concat([Buffer.from('expand 32-byte k'), key, nonce])
  const state = Uint32Array.from({ length: 16 }, (_, i) => input.readUInt32LE(4 * i))
  const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))
  const step = (a: number, b: number, c: number, bits: number): void => {
    state[a] = (state[a] as number) + (state[b] as number)
    state[c] = rotate((state[c] as number) ^ (state[a] as number), bits)
  }
  const quarter = (a: number, b: number, c: number, d: number): void => {
    step(a, b, d, 16)
    step(c, d, b, 12)
    step(a, b, d, 8)
    step(c, d, b, 7)
  }
  for (let round = 0; round < 10; round++) {
    for (let column = 0; column < 4; column++) quarter(column, column + 4, column + 8, column + 12)
    for (let i = 0; i < 4; i++) quarter(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4))
  }
  const output = Buffer.alloc(32)
  for (const [i, word] of [...state.subarray(0, 4), ...state.subarray(12)].entries()) output.writeUInt32LE(word, 4 * i)
  return output
}
